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
  let moving = Promise.resolve();
  let rate = 1; // the viewer's: the element's own is 0 while Shaka waits for data

  await player.attach(video);
  player.configure(CONFIG);
  player.getNetworkingEngine().registerRequestFilter(paths.filter);

  async function open(playback, at) {
    paths.note(playback.hls_url);
    version = playback.manifest_version;
    await player.load(playback.hls_url, at);
    choose(chosen.rung);
  }

  /** Goes over to a newer version: the old one plays on until the new one can take over. */
  function offer(playback) {
    if (playback.manifest_version <= version) return moving;
    version = playback.manifest_version;
    paths.note(playback.hls_url);
    if (video.ended) waiting = playback;
    else moving = moving.then(() => move(playback, () => video.currentTime));
    return moving;
  }

  async function move(playback, where) {
    const next = await player.preload(playback.hls_url, where());
    await next.waitForFinish();
    const { paused } = video;
    emit("moving");
    await player.load(next, where());
    setRate(rate);
    choose(chosen.rung);
    if (paused) video.pause();
    else await video.play();
    emit("moved");
  }

  video.addEventListener("play", () => {
    if (!waiting) return;
    const playback = waiting;
    waiting = null;
    moving = moving.then(() => move(playback, () => 0));
  });

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
    playing: () => player.getVariantTracks().filter((track) => track.active && track.height).map(rungOf)[0] ?? null,
    rate: () => rate,
    setRate,
    reach: () => player.seekRange(),
    again: () => player.retryStreaming(),
  };
}

export const supported = () => Boolean(window.shaka) && window.shaka.Player.isBrowserSupported();

const bitrate = (bits) => (bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`);
