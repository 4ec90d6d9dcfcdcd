// Uploads on the way: several at once, pause, try again, go on after a reload with the same file.

import { Problem, told } from "../api.js";
import { find, stencil, toast } from "../page.js";
import { callAs, mayBeSignedIn } from "../session.js";
import { bytes, isolated, percent } from "../words.js";
import { claim, taken, untilFree } from "./claim.js";
import { fingerprint, forget, remember, same } from "./fingerprint.js";
import { fresh, onTheWay, soFar } from "./progress.js";
import { createUppy, idsOf } from "./store.js";

const ENDED = [404, 409, 410];
const QUIET_MS = 8000; // so long without a byte, and the row says so
const mayYet = ({ status }) => status === 0 || status === 401 || status === 429 || status >= 500;

/** @param onItem is told the id of each item that has come to be or has arrived */
export function uploads({ onItem }) {
  const list = find("[data-uploads]");
  const section = find("[data-uploads-section]");
  const picker = find("[data-files]");
  const drop = find("[data-drop]");
  const running = new Map(); // Uppy's file id → {upload, row, release, share, size, began, before, quiet}
  const broken = new Map(); // upload id → {upload, row}: interrupted, their file is not at hand
  const discarding = new Set(); // Uppy's file ids that this window gives up
  let store = null;

  async function theStore() {
    store ??= createUppy((id) => running.get(id).upload).then(listen);
    try {
      return await store;
    } catch {
      store = null; // its script could not be loaded: the next try asks for it again
      throw new Problem(0);
    }
  }

  function listen(made) {
    made.uppy.on("upload-progress", (file, progress) => file && onProgress(file.id, progress));
    made.uppy.on("upload-success", (file) => onSuccess(file.id));
    made.uppy.on("upload-error", (file, error) => file && onError(file.id, error));
    return made;
  }

  async function take(files) {
    for (const file of files) await begin(file, orderOf(file));
  }

  /** What is asked for a file, the same at each try: an answer that got lost makes no second upload. */
  const orderOf = (file) => ({
    key: crypto.randomUUID(),
    body: { filename: file.name, size: file.size, content_type: file.type, visibility: find("[data-new-visibility]").value },
  });

  async function begin(file, order) {
    try {
      await takeOne(file, order);
    } catch (error) {
      refused(file, order, error);
    }
  }

  async function takeOne(file, order) {
    if (file.size === 0) throw Object.assign(new Error("This file is empty: there is nothing to play."), { action: "Choose another file." });
    for (const { upload } of broken.values()) if (await same(upload, file)) return resume(upload, file);
    const { note } = await theStore();
    const upload = await callAs("POST", "/v1/uploads", order);
    remember(upload.upload_id, await fingerprint(file));
    note(upload, upload.parts);
    return send({ ...upload, filename: file.name, size: file.size }, file, false);
  }

  async function resume(upload, file) {
    broken.get(upload.upload_id)?.row.remove();
    broken.delete(upload.upload_id);
    return send(upload, file, true);
  }

  async function send(upload, file, restored) {
    const { uppy, sizes } = await theStore();
    const release = await claim(upload.upload_id);
    if (!release) return elsewhere(upload);
    sizes.set(file, upload.part_size);
    const id = uppy.addFile({ name: file.name, type: file.type, data: file, source: "studio", meta: { relativePath: upload.upload_id } });
    const row = addRow(upload, file.name);
    running.set(id, { upload, row, release, ...fresh(), quiet: 0, share: 0, size: file.size });
    if (restored) uppy.setFileState(id, { s3Multipart: idsOf(upload) });
    wireRunning(id, row);
    detail(row, "Starting");
    void uppy.upload().catch((error) => onError(id, error));
  }

  function addRow(upload, name) {
    const row = stencil("upload-row");
    row.dataset.uploadId = upload.upload_id ?? "";
    find("[data-file]", row).textContent = name;
    find("[data-bar]", row).setAttribute("aria-label", `Upload of ${name}`);
    list.append(row);
    section.hidden = false;
    return row;
  }

  const detail = (row, text) => { find("[data-detail]", row).textContent = text; };
  const problem = (row, text) => {
    find("[data-problem]", row).textContent = text;
    find("[data-problem]", row).hidden = !text;
  };
  const done = (row) => {
    row.remove();
    section.hidden = list.children.length === 0;
  };

  function wireRunning(id, row) {
    const pause = find("[data-pause]", row);
    pause.addEventListener("click", async () => {
      const { uppy } = await theStore();
      const paused = uppy.pauseResume(id);
      pause.textContent = paused ? "Go on" : "Pause";
      row.dataset.paused = String(Boolean(paused));
      if (paused) detail(row, "Paused");
      else goesOn(running.get(id));
    });
    find("[data-again]", row).addEventListener("click", () => again(id, row));
    find("[data-drop-upload]", row).addEventListener("click", () => discard(id, row));
  }

  async function again(id, row) {
    const { uppy } = await theStore();
    problem(row, "");
    find("[data-again]", row).hidden = true;
    pauseButton(row, true);
    goesOn(running.get(id));
    uppy.setFileState(id, { s3Multipart: idsOf(running.get(id).upload) });
    void uppy.retryUpload(id).catch((error) => onError(id, error));
  }

  const pauseButton = (row, shown) => { find("[data-pause]", row).hidden = !shown; };

  async function discard(id, row) {
    const { uppy, discarded } = await theStore();
    const { upload } = running.get(id);
    discarded.add(id);
    discarding.add(id);
    uppy.removeFile(id);
    await giveUp(upload, row);
    over(id);
  }

  async function giveUp(upload, row) {
    try {
      await callAs("DELETE", `/v1/uploads/${upload.upload_id}`);
    } catch (error) {
      if (error.status !== 404 && error.status !== 409) return problem(row, told(error));
    }
    forget(upload.upload_id);
    broken.delete(upload.upload_id);
    done(row);
    return onItem(upload.media_id).catch(() => null); // the item is gone with its upload: nothing to show
  }

  function onProgress(id, { bytesUploaded, bytesTotal }) {
    const entry = running.get(id);
    if (!entry || entry.row.dataset.paused === "true") return;
    clearTimeout(entry.quiet);
    if (!navigator.onLine) return waits(entry); // what the browser counts as sent now gets nowhere
    entry.share = bytesUploaded / bytesTotal;
    find("[data-bar]", entry.row).value = entry.share;
    detail(entry.row, onTheWay(entry, bytesUploaded));
    if (entry.share < 1) entry.quiet = setTimeout(() => stalls(entry), QUIET_MS);
  }

  const waits = (entry) => detail(entry.row, `${soFar(entry)} · waiting for the network`);
  const stalls = (entry) => { if (moving().includes(entry)) detail(entry.row, `${soFar(entry)} · nothing gets through right now, trying again`); };

  /** Speed and time left are measured anew. */
  function goesOn(entry) {
    Object.assign(entry, fresh());
    clearTimeout(entry.quiet);
    detail(entry.row, soFar(entry));
  }

  /** What is under way and neither paused nor broken off. */
  const moving = () => [...running.values()].filter(({ row }) => row.dataset.paused !== "true" && find("[data-again]", row).hidden);

  async function onSuccess(id) {
    const { upload, row } = running.get(id);
    over(id);
    forget(upload.upload_id);
    done(row);
    await onItem(upload.media_id).catch((error) => toast(told(error)));
  }

  function over(id) {
    const entry = running.get(id);
    clearTimeout(entry.quiet);
    running.delete(id);
    entry.release();
  }

  /** Stops what was given up elsewhere: nothing of it is kept. */
  async function gone(id) {
    const { uppy } = await theStore();
    if (!running.has(id)) return; // told twice: by an event and by a refusal
    const { upload, row } = running.get(id);
    over(id);
    uppy.removeFile(id);
    forget(upload.upload_id);
    detail(row, "Discarded elsewhere");
    problem(row, "This upload was discarded in another window or on another device. Nothing of it is kept.");
    pauseButton(row, false);
    find("[data-again]", row).hidden = true;
    const button = find("[data-drop-upload]", row);
    const dismiss = button.cloneNode(true);
    dismiss.textContent = "Dismiss";
    dismiss.addEventListener("click", () => done(row));
    button.replaceWith(dismiss);
  }

  /** Told by the server that an item is deleted: its upload, where one is on the way, has ended with it. */
  function deleted(mediaId) {
    for (const [id, { upload }] of running) if (upload.media_id === mediaId && !discarding.has(id)) void gone(id);
  }

  /** Whether the server has ended an upload; what cannot be asked now has not been ended. */
  const ended = ({ upload_id }) =>
    callAs("GET", `/v1/uploads/${upload_id}`).then(({ state }) => state === "aborted", ({ status }) => ENDED.includes(status));

  async function onError(id, error) {
    const entry = running.get(id);
    if (!entry) return;
    if ((error.status === undefined || ENDED.includes(error.status)) && (await ended(entry.upload))) return gone(id);
    problem(entry.row, error.status === undefined ? "The upload broke off. What has arrived is kept." : told(error));
    find("[data-again]", entry.row).hidden = false;
    pauseButton(entry.row, false);
    detail(entry.row, soFar(entry));
  }

  /** A file whose upload did not come to be: where it may yet, it can be tried again, and is once we are online. */
  function refused(file, order, error) {
    const row = addRow({}, file.name);
    detail(row, bytes(file.size));
    problem(row, told(error));
    pauseButton(row, false);
    find("[data-drop-upload]", row).textContent = "Dismiss";
    const over = new AbortController();
    const leave = () => { over.abort(); done(row); };
    find("[data-drop-upload]", row).addEventListener("click", leave);
    if (!mayYet(error)) return;
    const retry = () => { leave(); void begin(file, order); };
    find("[data-again]", row).hidden = false;
    find("[data-again]", row).addEventListener("click", retry);
    if (error.status === 0) window.addEventListener("online", retry, { signal: over.signal });
  }

  /** Uploads of before: their parts are kept, the file has to be chosen again. */
  async function interrupted() {
    const answer = await callAs("GET", "/v1/uploads");
    const open = answer.items.filter(({ upload_id }) => !find(`[data-upload-id="${upload_id}"]`, list));
    await Promise.all(open.map(async (upload) => ((await taken(upload.upload_id)) ? elsewhere(upload) : showInterrupted(upload))));
  }

  /** Another window sends it: this one only says so, and looks again when that one is done with it. */
  function elsewhere(upload) {
    const row = addRow(upload, upload.filename);
    row.dataset.elsewhere = "true";
    detail(row, `${bytes(upload.size)} · is being uploaded in another window`);
    for (const part of ["[data-bar]", "[data-pause]", "[data-drop-upload]"]) find(part, row).hidden = true;
    const again = () => { done(row); return interrupted(); };
    void untilFree(upload.upload_id).then(again).catch((error) => toast(told(error)));
  }

  /** Does it to an interrupted upload, unless another window has gone on with it meanwhile. */
  async function unlessTaken(upload, row, act) {
    if (!(await taken(upload.upload_id))) return act();
    broken.delete(upload.upload_id);
    row.remove();
    return elsewhere(upload);
  }

  async function showInterrupted(listed) {
    const upload = await callAs("GET", `/v1/uploads/${listed.upload_id}`);
    const row = addRow(upload, upload.filename);
    row.dataset.interrupted = "true";
    broken.set(upload.upload_id, { upload, row });
    const arrived = upload.parts.reduce((sum, part) => sum + part.size, 0);
    find("[data-bar]", row).value = arrived / upload.size;
    detail(row, `Interrupted at ${percent(arrived / upload.size)} of ${bytes(upload.size)}. Choose the same file to go on.`);
    pauseButton(row, false);
    const choose = find("[data-same]", row);
    choose.hidden = false;
    choose.addEventListener("click", () => pick(upload, row));
    find("[data-drop-upload]", row).addEventListener("click", () => unlessTaken(upload, row, () => giveUp(upload, row)));
  }

  function pick(upload, row) {
    const input = Object.assign(document.createElement("input"), { type: "file" });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      if (await same(upload, file)) await resume(upload, file);
      else problem(row, `This is another file. Choose “${isolated(upload.filename)}” (${bytes(upload.size)}), unchanged.`);
    });
    input.click();
  }

  find("[data-choose]").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => { take([...picker.files]); picker.value = ""; });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); take([...event.dataTransfer.files]); });
  window.addEventListener("offline", () => moving().forEach(waits));
  window.addEventListener("online", () => moving().forEach(goesOn));
  window.addEventListener("beforeunload", (event) => { if (running.size > 0 && mayBeSignedIn()) event.preventDefault(); });

  return { interrupted, deleted };
}
