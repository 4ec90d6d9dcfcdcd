// Plays one item with Shaka Player over HLS: from its start, also while it is still being made; moves to a
// newer manifest version at the same position; knows nothing of buttons (controls.js) or of words (plain.js).

import { signedPath } from "./signed.js";

const CONFIG = {
  abr: { defaultBandwidthEstimate: 1_500_000, restrictToElementSize: true, restrictToScreenSize: true },
  manifest: { defaultPresentationDelay: 0, hls: { liveSegmentsDelay: 1 } },
  streaming: { bufferingGoal: 30, bufferBehind: 60, rebufferingGoal: 1 },
};

/**
 * @param {HTMLVideoElement} video
 * @param {() => Promise<{hls_url: string, manifest_version: number}>} ask the playback answer of the item
 * @param {(width: number, height: number) => string | undefined} nameOf the rung's name, as the studio has it
 */
export async function createPlayer(video, ask, nameOf) {
  const shaka = window.shaka;
  const player = new shaka.Player();
  const paths = signedPath(async () => (await ask()).hls_url);
  const chosen = { rung: null };
  let version = 0;
  let waiting = null;
  let last = Promise.resolve();
  let rate = 1; // the viewer's: the element's own is 0 while Shaka waits for data
  let away = null; // while nothing is loaded: {at, paused, reach}, position and pause as the viewer wants them
  let start = 0; // where the version that was loaded last begins to play
  let goal = null; // the position until Shaka has gone to `start`, which it does when the length is known
  let known = false; // whether it is

  await player.attach(video);
  player.configure(CONFIG);
  player.getNetworkingEngine().registerRequestFilter(paths.filter);

  /** One load after another, whatever became of the one before. */
  const inTurn = (work) => (last = last.then(work, work));

  const open = (playback) => inTurn(async () => {
    paths.note(playback.hls_url);
    await load(playback.hls_url);
    version = playback.manifest_version;
  });

  /** Goes over to a newer version: the old one plays on until the new one can take over. False where that failed. */
  const offer = (playback) => inTurn(async () => {
    if (playback.manifest_version <= version) return true;
    if (!video.ended) return move(playback);
    waiting = playback;
    return true;
  });

  async function move(playback) {
    paths.note(playback.hls_url);
    try {
      const next = await player.preload(playback.hls_url, at());
      await next.waitForFinish();
      emit("moving");
      await load(next);
    } catch (error) {
      if (away) emit("error", error); // else the old version plays on
      return false;
    }
    version = playback.manifest_version;
    emit("moved");
    return true;
  }

  video.addEventListener("play", () => {
    if (!waiting) return;
    const playback = waiting;
    waiting = null;
    void inTurn(() => move(playback));
  });

  /** Puts a version in the place of the one there. What the viewer does meanwhile is kept, and done after it. */
  async function load(source) {
    away ??= { at: at(), paused: paused(), reach: player.seekRange() };
    start = away.at;
    known = false;
    await player.load(source, start);
    const wish = away;
    away = null;
    goal = wish.at;
    setRate(rate);
    choose(chosen.rung);
    if (known) arrive();
    if (wish.paused) video.pause();
    else void play();
  }

  // Later than Shaka's own listener, which goes to `start`.
  video.addEventListener("loadedmetadata", () => setTimeout(() => {
    known = video.readyState > 0;
    if (!away) arrive();
  }));

  function arrive() {
    // Shaka goes to `start` again while it finds the element at 0.
    if (goal !== null && goal !== start) video.currentTime = Math.max(goal, 0.001);
    goal = null;
  }

  const at = () => away?.at ?? goal ?? video.currentTime;
  const paused = () => away?.paused ?? (video.paused || video.ended);

  function seek(seconds) {
    if (away) away.at = seconds;
    else if (goal !== null) goal = seconds;
    else video.currentTime = seconds;
    emit("wish");
  }

  function toggle() {
    if (away) away.paused = !away.paused;
    else if (paused()) void play();
    else video.pause();
    emit("wish");
  }

  /** Plays. A pause before the first picture calls it off; without a gesture the browser may refuse: it stays paused. */
  async function play() {
    try {
      await video.play();
    } catch (error) {
      if (!["AbortError", "NotAllowedError"].includes(error.name)) throw error;
      emit("wish");
    }
  }

  function setRate(next) {
    rate = next;
    video.defaultPlaybackRate = next;
    video.playbackRate = next;
    emit("rate");
  }

  function rungOf(track) {
    if (!track.height) return { key: `a${track.bandwidth}`, name: bitrate(track.bandwidth), detail: "" };
    const lines = Math.min(track.width, track.height);
    return { key: `v${lines}`, name: nameOf(track.width, track.height) ?? `${lines}p`, detail: bitrate(track.bandwidth) };
  }

  /** What may be chosen: [{key, name, detail}], best first. */
  function rungs() {
    const found = new Map();
    for (const track of player.getVariantTracks()) {
      const rung = rungOf(track);
      const known = found.get(rung.key);
      if (!known || track.bandwidth > known.bandwidth) found.set(rung.key, { ...rung, bandwidth: track.bandwidth });
    }
    return [...found.values()].sort((a, b) => b.bandwidth - a.bandwidth);
  }

  /** Holds to a rung, or with null leaves the choice to the player. A rung not there (yet) is kept in mind. */
  function choose(key) {
    chosen.rung = key;
    const track = player.getVariantTracks().filter((t) => rungOf(t).key === key).sort((a, b) => b.bandwidth - a.bandwidth)[0];
    player.configure("abr.enabled", !track);
    if (track && !track.active) player.selectVariantTrack(track, true, video.paused ? 0 : 2);
  }

  const emit = (name, detail) => video.dispatchEvent(new CustomEvent(`mcsp:${name}`, { detail }));
  player.addEventListener("error", (event) => emit("error", event.detail));
  for (const name of ["adaptation", "variantchanged", "trackschanged"]) player.addEventListener(name, () => emit("rungs"));
  player.addEventListener("buffering", (event) => emit("buffering", event.buffering));

  return {
    open,
    offer,
    rungs,
    choose,
    chosen: () => chosen.rung,
    version: () => version,
    at,
    seek,
    paused,
    toggle,
    playing: () => player.getVariantTracks().filter((track) => track.active && track.height).map(rungOf)[0] ?? null,
    rate: () => rate,
    setRate,
    reach: () => away?.reach ?? player.seekRange(),
    again: () => player.retryStreaming(),
  };
}

export const supported = () => Boolean(window.shaka) && window.shaka.Player.isBrowserSupported();

const bitrate = (bits) => (bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`);
