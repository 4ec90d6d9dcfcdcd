// The list of a person's items: state by rung, failure card, rename, visibility, delete, copy link.

import { told } from "../api.js";
import { copy, find, stencil, toast } from "../page.js";
import { callAs } from "../session.js";
import { clock, isolated, left, percent } from "../words.js";

const STATES = {
  uploading: ["Arriving", "working"],
  inspecting: ["Being looked at", "working"],
  processing: ["Being prepared", "working"],
  playable: ["Plays; more qualities follow", "working"],
  ready: ["Ready", "done"],
  held: ["Held for review", ""],
  rejected: ["Not accepted", "failed"],
  failed: ["Could not be prepared", "failed"],
};
const RUNG_STATES = { queued: "waiting", running: "being made", published: "ready", failed: "failed" };
const PAGE = 50;

export function items() {
  const list = find("[data-items]");
  const more = find("[data-more]");
  const rows = new Map();
  let next = null;

  async function page(cursor) {
    const query = new URLSearchParams({ owner: "me", limit: String(PAGE), ...(cursor ? { cursor } : {}) });
    const answer = await callAs("GET", `/v1/media?${query}`);
    next = answer.next ?? null;
    more.hidden = !next;
    return answer.items;
  }

  async function first() {
    const found = await page(null);
    const kept = new Set(found.map((item) => item.media_id));
    for (const [id, row] of rows) if (!kept.has(id)) forget(id, row);
    for (const item of found.reverse()) show(item, "start");
    list.setAttribute("aria-busy", "false");
    blank();
  }

  more.addEventListener("click", async () => { for (const item of await page(next)) show(item, "end"); });

  async function refresh(id) {
    const item = await callAs("GET", `/v1/media/${id}`);
    show(item, "start");
    blank();
  }

  /** A change told by the server: an item as the list has it. */
  function change(item) {
    if (item.status === "deleted") forget(item.media_id, rows.get(item.media_id));
    else show(item, "start");
    blank();
  }

  function show(item, where) {
    let row = rows.get(item.media_id);
    if (!row) {
      row = stencil("item-row");
      rows.set(item.media_id, row);
      wire(row, item.media_id);
      if (where === "start") list.prepend(row);
      else list.append(row);
    }
    row.item = { ...row.item, ...item };
    paint(row, row.item);
  }

  function forget(id, row) {
    row?.remove();
    rows.delete(id);
  }

  const blank = () => { find("[data-nothing]").hidden = rows.size > 0; };

  function wire(row, id) {
    const title = find("[data-title]", row);
    title.addEventListener("change", () => rename(row, id, title.value.trim()));
    title.addEventListener("keydown", (event) => {
      if (event.key === "Enter") title.blur();
      if (event.key === "Escape") { title.value = row.item.title; title.blur(); }
    });
    find("[data-visibility]", row).addEventListener("change", (event) => patch(row, id, { visibility: event.target.value }, "Visibility changed"));
    find("[data-link]", row).addEventListener("click", () => copy(new URL(`/watch/${id}`, location.href).href));
    find("[data-delete]", row).addEventListener("click", () => remove(row, id));
    find("[data-retry]", row).addEventListener("click", () => retry(row, id));
    find("[data-other-file]", row).addEventListener("click", () => find("[data-files]").click());
    for (const link of [find("[data-watch]", row), find("[data-thumb]", row)]) link.href = `/watch/${id}`;
  }

  async function rename(row, id, title) {
    if (!title) {
      find("[data-title]", row).value = row.item.title;
      toast("A title cannot be empty");
      return;
    }
    await patch(row, id, { title }, "Renamed");
  }

  async function patch(row, id, change_, said) {
    try {
      row.item = { ...row.item, ...(await callAs("PATCH", `/v1/media/${id}`, { body: change_ })) };
      toast(said);
    } catch (error) {
      toast(told(error));
    }
    paint(row, row.item);
  }

  async function remove(row, id) {
    const sure = await confirmed(`Delete “${isolated(row.item.title)}”?`, "Its page is gone at once and for good. Who is watching already can go on for up to a day.");
    if (!sure) return;
    row.hidden = true;
    try {
      await callAs("DELETE", `/v1/media/${id}`);
      forget(id, row);
      find("#items-heading").focus(); // the button that had the focus is gone with its row
      toast(`“${isolated(row.item.title)}” is deleted`);
    } catch (error) {
      row.hidden = false;
      toast(told(error));
    }
    blank();
  }

  async function retry(row, id) {
    const button = find("[data-retry]", row);
    button.disabled = true;
    try {
      await callAs("POST", `/v1/media/${id}/retry`);
      await refresh(id);
    } catch (error) {
      if (error.status === 409) row.item.hopeless = true;
      toast(error.status === 409 ? "This file fails the same way each time. Upload a mended or another one." : told(error));
    } finally {
      button.disabled = false;
    }
    paint(row, row.item);
  }

  return { first, refresh, change };
}

function paint(row, item) {
  const [words, look] = STATES[item.status] ?? [item.status, ""];
  row.className = `item ${look}`;
  row.dataset.status = item.status;
  row.dataset.mediaId = item.media_id;
  const title = find("[data-title]", row);
  if (document.activeElement !== title) title.value = item.title;
  title.dir = "auto"; // only then does Chromium look at a value that a script has set
  find("[data-visibility]", row).value = item.visibility;
  find("[data-state]", row).textContent = words;
  const share = item.progress ?? 0;
  const counted = look === "working" && item.status !== "uploading"; // how far that is stands with the upload
  find("[data-progress-text]", row).textContent = counted ? [percent(share), left(item.eta_s ?? NaN)].filter(Boolean).join(" · ") : "";
  find("[data-bar]", row).hidden = !counted;
  find("[data-bar]", row).value = share;
  find("[data-watch]", row).hidden = !["playable", "ready"].includes(item.status);
  find("[data-link]", row).hidden = ["failed", "rejected"].includes(item.status);
  paintThumb(row, item);
  paintLadder(row, item.renditions ?? []);
  paintFailure(row, item);
}

function paintThumb(row, item) {
  const picture = find("img", row);
  if (item.poster_url && picture.getAttribute("src") !== item.poster_url) picture.src = item.poster_url;
  picture.hidden = !item.poster_url;
  const length = find("[data-length]", row);
  length.textContent = clock(item.duration_s ?? NaN);
  length.hidden = !length.textContent;
}

function paintLadder(row, renditions) {
  const ladder = find("[data-ladder]", row);
  ladder.hidden = renditions.length === 0;
  const order = [...renditions].sort((a, b) => (a.kind === b.kind ? a.bitrate - b.bitrate : a.kind === "video" ? -1 : 1));
  ladder.replaceChildren(...order.map((rendition) => {
    const rung = stencil("rung");
    rung.className = `rung ${rendition.state}`;
    rung.dataset.state = rendition.state;
    find("[data-rung-name]", rung).textContent = rendition.name.replace(/^audio-/, "♪ ");
    find("[data-rung-state]", rung).textContent = RUNG_STATES[rendition.state] ?? rendition.state;
    return rung;
  }));
}

function paintFailure(row, { failure, hopeless = false }) {
  const card = find("[data-failure]", row);
  card.hidden = !failure;
  if (!failure) return;
  find("[data-failure-message]", row).textContent = failure.message;
  find("[data-failure-action]", row).textContent = failure.action;
  card.dataset.code = failure.code;
  find("[data-retry]", row).hidden = hopeless || !failure.retryable;
}

function confirmed(heading, text) {
  const dialog = find("[data-confirm]");
  find("[data-confirm-heading]").textContent = heading;
  find("[data-confirm-text]").textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
