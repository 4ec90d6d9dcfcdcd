// The watch page: brings player, controls, keyboard and the item's state together.

import { call, Problem } from "./api.js";
import { copy, find } from "./page.js";
import { createActs, createControls } from "./player/controls.js";
import { tellWhatIsPlayed } from "./player/events.js";
import { listen } from "./player/keyboard.js";
import { plainly, unsupported } from "./player/plain.js";
import { createPlayer, supported } from "./player/player.js";
import { token } from "./session.js";

const LOOK_MS = 2500; // how often an item that is still being made is looked at
const stage = find("[data-stage]");
const video = find("[data-video]", stage);
const id = stage.dataset.mediaId;
const item = { status: stage.dataset.status, duration: Number(stage.dataset.duration) || 0, rungs: JSON.parse(stage.dataset.rungs) };
const nameOf = (width, height) => item.rungs.find((rung) => rung.width === width && rung.height === height)?.name;
const total = () => item.duration || (Number.isFinite(video.duration) ? video.duration : 0);
const playable = () => item.status === "playable" || item.status === "ready";
const over = () => ["failed", "held", "rejected"].includes(item.status);
const ask = async (what) => call("GET", `/v1/${what}/${id}`, { token: await token() });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function say({ heading, text, again = false, progress = null }) {
  find("[data-say-heading]").textContent = heading;
  find("[data-say-text]").textContent = text;
  find("[data-say-button]").hidden = !again;
  find("[data-say-progress]").hidden = progress === null;
  if (progress !== null) find("[data-say-progress]").value = progress;
  find("[data-say]").hidden = false;
}
const sayNothing = () => { find("[data-say]").hidden = true; };

/** Reads the item's state anew; where nothing answers, the last one stands. */
async function look() {
  try {
    const now = await ask("media");
    item.status = now.status;
    item.duration = now.duration_s ?? item.duration;
    item.progress = now.progress;
    item.rungs = now.renditions ?? [];
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) throw error;
    return false;
  }
}

/** Waits until there is something to play; false where there never will be. */
async function untilPlayable() {
  if (over()) return false;
  while (!playable()) {
    find("[data-say-progress]").value = item.progress ?? 0;
    await pause(LOOK_MS);
    await look();
    if (over()) {
      location.reload(); // the server says it in words
      return false;
    }
  }
  sayNothing();
  return true;
}

/** Follows an item that is still being made: new rungs become a new manifest version. One whose making ended
 * otherwise gets no more: what was made plays on, and nobody is asked again. */
async function follow(player) {
  const making = find("[data-making]");
  for (;;) {
    if (over()) {
      making.hidden = false;
      making.textContent = "This could not be finished; it may end early";
      return;
    }
    let done = item.status === "ready";
    making.hidden = done;
    making.textContent = stage.dataset.kind === "audio" ? "More bit rates are being made" : "Better quality is being made";
    try {
      if (!(await player.offer(await ask("playback")))) done = false;
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 404) throw error;
      done = false;
    }
    if (done) return;
    await pause(LOOK_MS);
    await look();
  }
}

/** The last picture stands still over the video while another version is loaded. */
function holdStill() {
  const still = find("[data-still]");
  video.addEventListener("mcsp:moving", () => {
    if (!video.videoWidth || video.currentTime === 0) return;
    still.width = video.videoWidth;
    still.height = video.videoHeight;
    still.getContext("2d").drawImage(video, 0, 0);
    still.hidden = false;
  });
  const away = () => { still.hidden = true; };
  for (const name of ["playing", "seeked", "mcsp:error"]) video.addEventListener(name, away);
  video.addEventListener("mcsp:moved", () => video.requestVideoFrameCallback?.(away) ?? away());
}

async function begin() {
  if (!supported()) return say(unsupported);
  if (!(await untilPlayable())) return null;
  const player = await createPlayer(video, () => ask("playback"), nameOf);
  const acts = createActs(video, stage, player, total);
  const controls = createControls({ stage, video, player, acts, total });
  const big = find('[data-do="start"]', stage);
  const wait = find("[data-wait]", stage);
  const keysDialog = find("[data-keys]");

  const noteVersion = () => { stage.dataset.version = player.version(); };
  video.addEventListener("mcsp:moved", noteVersion);
  holdStill();
  listen({ acts, total, ready: () => Boolean(stage.dataset.playing), showKeys: () => keysDialog.showModal() });
  find('[data-do="keys"]').addEventListener("click", () => keysDialog.showModal());
  find('[data-do="keys-close"]').addEventListener("click", () => keysDialog.close());
  big.addEventListener("click", acts.toggle);
  video.addEventListener("play", () => { big.hidden = true; });
  video.addEventListener("mcsp:buffering", ({ detail }) => { wait.hidden = !detail || !big.hidden; });
  video.addEventListener("mcsp:error", ({ detail }) => say(plainly(detail)));
  video.addEventListener("playing", sayNothing);
  find("[data-say-button]").addEventListener("click", () => {
    sayNothing();
    if (!stage.dataset.playing) return start();
    return player.again() || open();
  });

  let tells = false;
  async function open() {
    try {
      const playback = await ask("playback");
      if (!tells) tellWhatIsPlayed(video, player, playback); // one session a page, whatever is asked later
      tells = true;
      await player.open(playback);
      noteVersion();
      return true;
    } catch (error) {
      say(plainly(error));
      return false;
    }
  }

  async function start() {
    if (!(await open())) return;
    controls.show();
    big.hidden = !player.paused();
    stage.dataset.playing = "yes";
    await follow(player);
  }

  return start();
}

find("[data-copy]").addEventListener("click", (event) => copy(event.currentTarget.dataset.copy));
begin().catch((error) => say(plainly(error)));
