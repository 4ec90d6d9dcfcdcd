// Tells what is played: reads the video element and the player, gives events to the outbox. Their shapes are
// GET /v1/events/schema. Says nothing of who watches: the session, which playback gave, is all there is.

import { createOutbox } from "./outbox.js";
import { watchedOf } from "./watched.js";

const BEAT_MS = 5000;

/**
 * @param {HTMLVideoElement} video
 * @param {{rate: () => number, playing: () => {name: string} | null}} player
 * @param {{media_id: string, session_id: string}} playback
 */
export function tellWhatIsPlayed(video, player, playback) {
  const outbox = createOutbox();
  const take = watchedOf(video);
  const about = { media_id: playback.media_id, session_id: playback.session_id, source: source() };
  const position = () => Math.max(0, video.currentTime || 0);
  let rate = player.rate();
  let wished = null; // since when the viewer waits for the first picture
  let started = false;
  let over = false;
  let stalled = null;
  let at = 0;
  let jumpedFrom = null;
  let quality = null;
  let dropped = 0;

  function tell(type, fields) {
    outbox.add({ type, ...about, ...fields }).catch((error) => console.error("event not kept", error));
  }

  function beat() {
    if (!started || over) return;
    const watched = take();
    if (watched.length) tell("heartbeat", { position_s: position(), watched, rate, ...measured() });
  }

  function measured() {
    const { buffered, currentTime } = video;
    const ahead = [...Array(buffered.length).keys()].find((i) => buffered.start(i) <= currentTime && currentTime <= buffered.end(i));
    const now = video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0;
    const frames = Math.max(0, now - dropped);
    dropped = now;
    return { bl: ahead === undefined ? 0 : Math.round((buffered.end(ahead) - currentTime) * 1000), dropped_frames: frames };
  }

  function begin() {
    over = false;
    if (started) return;
    started = true;
    const delay = wished === null ? {} : { msd: Math.round(performance.now() - wished) };
    tell("play_start", { position_s: position(), rate, autoplay: false, muted: video.muted, ...delay });
    noteQuality();
  }

  function end(reason) {
    if (!started || over) return;
    over = true;
    started = false;
    wished = null;
    tell("play_end", { position_s: position(), watched: take(), rate, reason });
  }

  function noteQuality() {
    const name = player.playing()?.name ?? null;
    if (!started || name === null || name === quality) return;
    if (quality !== null) tell("quality_change", { position_s: position(), rendition: name });
    quality = name;
  }

  const on = (names, act) => names.split(" ").forEach((name) => video.addEventListener(name, act));
  on("play", () => { wished ??= performance.now(); });
  on("playing", () => {
    begin();
    if (stalled === null) return;
    tell("stall", { position_s: position(), duration_ms: Math.round(performance.now() - stalled) });
    stalled = null;
  });
  on("waiting", () => { if (started && !video.seeking && video.readyState > 0) stalled ??= performance.now(); });
  on("emptied seeking", () => { stalled = null; });
  on("timeupdate", () => { if (!video.seeking && jumpedFrom === null) at = position(); });
  on("seeking", () => { jumpedFrom ??= at; });
  on("seeked", () => {
    const from = jumpedFrom ?? at;
    at = position();
    jumpedFrom = null;
    if (started && Math.abs(at - from) > 0.5) tell("seek", { from_s: from, to_s: at });
  });
  on("pause", () => {
    if (video.ended || !started) return;
    beat();
    tell("pause", { position_s: position() });
  });
  on("ended", () => end("ended"));
  on("mcsp:rate", () => {
    beat();
    rate = player.rate();
  });
  on("mcsp:rungs", noteQuality);
  on("mcsp:error", ({ detail }) => {
    tell("error", { code: String(detail?.code ?? "unknown").slice(0, 64), fatal: detail?.severity === 2, position_s: position() });
  });
  setInterval(() => { if (!video.paused) beat(); }, BEAT_MS);
  // Before the outbox's own listener on the window: what is told here is among the last words.
  addEventListener("pagehide", ({ persisted }) => (persisted ? beat() : end("left")), { capture: true });
  document.addEventListener("visibilitychange", beat, { capture: true });
}

/** Where the viewer came from, as a word. */
function source() {
  if (window.top !== window) return "embed";
  if (!document.referrer) return "link";
  const from = new URL(document.referrer);
  if (from.origin !== location.origin) return "link";
  return from.pathname === "/" ? "home" : from.pathname.split("/")[1].slice(0, 64);
}
