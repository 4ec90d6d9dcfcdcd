// Which media seconds were played: intervals by the element's own clock, cut at each jump.

const STEP_S = 2; // more than this between two looks is a jump, whatever the speed

/** @param {HTMLVideoElement} video */
export function watchedOf(video) {
  let closed = [];
  let from = null;
  let to = 0;

  function cut() {
    if (from !== null && to > from) closed.push([round(from), round(to)]);
    from = null;
  }

  /** Follows the position; what was skipped is not counted. */
  function look() {
    const at = video.currentTime;
    if (video.seeking || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    if (from !== null && (at < to || at - to > STEP_S * Math.max(1, video.playbackRate))) cut();
    if (from === null) {
      if (video.paused && !video.ended) return;
      from = at;
    }
    to = at;
  }

  for (const name of ["playing", "timeupdate", "pause", "ended"]) video.addEventListener(name, look);
  for (const name of ["seeking", "emptied"]) video.addEventListener(name, cut);

  /** What was played since the last call: [[from, to], …]. */
  return function take() {
    look();
    const goesOn = from !== null && !video.paused ? to : null;
    cut();
    from = goesOn;
    const taken = closed;
    closed = [];
    return taken;
  };
}

const round = (seconds) => Math.round(seconds * 1000) / 1000;
