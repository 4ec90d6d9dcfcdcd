// The buttons, the bar and the menus over the picture. What they do to the video goes through `acts`, which
// the keyboard uses as well.

import { all, find, icon } from "../page.js";
import { clock } from "../words.js";

const IDLE_MS = 2800;
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** @param total gives the item's length in seconds, also while only its beginning is there */
export function createActs(video, stage, player, total) {
  const end = () => Math.max(0, Math.min(player.reach().end || total(), total() || Infinity));
  const within = (seconds) => Math.min(Math.max(0, seconds), Math.max(0, end() - 0.1));
  const speed = (step) => {
    const at = SPEEDS.indexOf(player.rate());
    player.setRate(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + step))]);
  };
  return {
    toggle: player.toggle,
    to: (seconds) => player.seek(within(seconds)),
    by: (seconds) => player.seek(within(player.at() + seconds)),
    louder: (step) => { video.muted = false; video.volume = Math.min(1, Math.max(0, video.volume + step)); },
    mute: () => { video.muted = !video.muted; },
    faster: () => speed(1),
    slower: () => speed(-1),
    full: () => fullScreen(stage, video),
  };
}

async function fullScreen(stage, video) {
  if (document.fullscreenElement) await document.exitFullscreen();
  else if (stage.requestFullscreen) await stage.requestFullscreen();
  else video.webkitEnterFullscreen?.(); // iPhones know full screen only for the video itself
}

export function createControls({ stage, video, player, acts, total }) {
  const bar = find("[data-controls]", stage);
  const seek = find("[data-seek]", stage);
  const volume = find("[data-volume]", stage);
  const button = (name) => find(`[data-do="${name}"]`, bar);
  const buttons = { toggle: acts.toggle, back: () => acts.by(-10), ahead: () => acts.by(10), mute: acts.mute, full: acts.full };
  let idle = 0;
  let dragging = false;

  for (const [name, act] of Object.entries(buttons)) button(name).addEventListener("click", act);
  find("[data-surface]", stage).addEventListener("click", (event) => (closeMenus() ? null : onSurface(event)));
  find("[data-surface]", stage).addEventListener("dblclick", acts.full);

  function onSurface(event) {
    if (event.pointerType === "touch" && stage.classList.contains("idle")) wake();
    else acts.toggle();
  }

  seek.addEventListener("input", () => { dragging = true; showTime(Number(seek.value)); });
  seek.addEventListener("change", () => { dragging = false; acts.to(Number(seek.value)); });
  volume.addEventListener("input", () => { video.muted = false; video.volume = Number(volume.value); });

  const swap = (name, drawing, label) => {
    button(name).querySelector("svg").replaceWith(icon(drawing));
    button(name).setAttribute("aria-label", label);
  };
  const at = (element, name, share) => element.style.setProperty(name, `${(Math.min(1, Math.max(0, share || 0)) * 100).toFixed(2)}%`);

  function showTime(now) {
    const whole = total() || player.reach().end || 0;
    seek.max = whole;
    if (!dragging) seek.value = now;
    seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(whole)}`);
    at(seek, "--at", now / whole);
    at(seek, "--loaded", bufferedTo(video) / whole);
    at(seek, "--made", player.reach().end ? player.reach().end / whole : 1);
    const time = find("[data-time]", bar);
    time.replaceChildren(clock(now), Object.assign(document.createElement("span"), { className: "of", textContent: ` / ${clock(whole)}` }));
  }

  const onTime = () => { if (!dragging) showTime(player.at()); };
  for (const name of ["timeupdate", "progress", "seeking", "durationchange", "loadedmetadata", "mcsp:wish"]) video.addEventListener(name, onTime);
  const onPlay = () => {
    const stopped = player.paused();
    swap("toggle", stopped ? "play" : "pause", stopped ? "Play (space)" : "Pause (space)");
    wake();
  };
  for (const name of ["play", "pause", "ended", "mcsp:wish"]) video.addEventListener(name, onPlay);
  video.addEventListener("volumechange", () => {
    const off = video.muted || video.volume === 0;
    swap("mute", off ? "muted" : "sound", off ? "Sound on (m)" : "Mute (m)");
    volume.value = off ? 0 : video.volume;
    at(volume, "--at", Number(volume.value));
  });
  video.addEventListener("mcsp:rate", () => { find("[data-speed]", bar).textContent = `${player.rate()}×`; });
  video.addEventListener("mcsp:rungs", showQuality);
  document.addEventListener("fullscreenchange", () => {
    const on = Boolean(document.fullscreenElement);
    swap("full", on ? "unfull" : "full", on ? "Leave full screen (f)" : "Full screen (f)");
  });

  function showQuality() {
    const lines = player.playing()?.name ?? "";
    const chosen = player.rungs().find((rung) => rung.key === player.chosen());
    const label = find("[data-quality]", bar);
    if (chosen || !lines) label.textContent = chosen ? chosen.name : "Auto";
    else label.replaceChildren(Object.assign(document.createElement("span"), { className: "auto", textContent: "Auto " }), lines);
  }

  const menus = {
    speed: () => SPEEDS.map((rate) => ({ name: rate === 1 ? "Normal" : `${rate}×`, detail: "", on: player.rate() === rate, act: () => player.setRate(rate) })),
    quality: () => [
      { name: "Auto", detail: "fits your network", on: !player.chosen(), act: () => player.choose(null) },
      ...player.rungs().map((rung) => ({ ...rung, on: player.chosen() === rung.key, act: () => player.choose(rung.key) })),
    ],
  };

  for (const opener of all("[data-menu]", bar)) {
    const panel = find(`[data-menu-panel="${opener.dataset.menu}"]`, stage);
    opener.addEventListener("click", () => {
      const open = panel.hidden;
      closeMenus();
      if (open) openMenu(opener, panel);
    });
    panel.addEventListener("keydown", (event) => onMenuKey(event, panel, opener));
  }

  function openMenu(opener, panel) {
    const heading = Object.assign(document.createElement("h3"), { textContent: panel.getAttribute("aria-label") });
    panel.replaceChildren(heading, ...menus[opener.dataset.menu]().map((entry) => menuEntry(entry, opener)));
    panel.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    (find('[aria-checked="true"]', panel) ?? find("button", panel)).focus();
    wake();
  }

  function menuEntry({ name, detail, on, act }, opener) {
    const entry = Object.assign(document.createElement("button"), { type: "button" });
    entry.setAttribute("role", "menuitemradio");
    entry.setAttribute("aria-checked", String(Boolean(on)));
    entry.append(Object.assign(document.createElement("span"), { textContent: name }), Object.assign(document.createElement("small"), { textContent: detail }));
    entry.addEventListener("click", () => { act(); closeMenus(); opener.focus(); showQuality(); });
    return entry;
  }

  function onMenuKey(event, panel, opener) {
    const entries = all("button", panel);
    const here = entries.indexOf(document.activeElement);
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (next !== undefined) entries[(next + entries.length) % entries.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") { closeMenus(); opener.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function closeMenus() {
    const open = all("[data-menu-panel]", stage).filter((panel) => !panel.hidden);
    for (const panel of open) panel.hidden = true;
    for (const opener of all("[data-menu]", bar)) opener.setAttribute("aria-expanded", "false");
    return open.length > 0;
  }

  function wake() {
    stage.classList.remove("idle");
    clearTimeout(idle);
    idle = setTimeout(() => {
      const busy = player.paused() || dragging || stage.dataset.kind === "audio" || find("[data-menu-panel]:not([hidden])", stage) || bar.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
      if (!busy) stage.classList.add("idle");
    }, IDLE_MS);
  }
  for (const name of ["pointermove", "pointerdown", "focusin", "keydown"]) stage.addEventListener(name, wake);

  return {
    wake,
    show() { bar.hidden = false; find("[data-surface]", stage).hidden = false; showTime(player.at()); showQuality(); wake(); },
  };
}

function bufferedTo(video) {
  for (let i = 0; i < video.buffered.length; i += 1) {
    if (video.buffered.start(i) <= video.currentTime + 0.2 && video.currentTime <= video.buffered.end(i)) return video.buffered.end(i);
  }
  return 0;
}
