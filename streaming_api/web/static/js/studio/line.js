// How many parts are sent at once: what is in flight is lost by a pause or a reload, so a slow line gets few.

const FEWEST = 2;
const MOST = 5;
const QUICK_MS = 4000; // a part within this time: there is room for one more
const SLOW_MS = 12_000;

/** @param change is told each new limit */
export function fitting(change) {
  let limit = FEWEST;

  function note(took) {
    const next = took < QUICK_MS ? Math.min(MOST, limit + 1) : took > SLOW_MS ? Math.max(FEWEST, limit - 1) : limit;
    if (next === limit) return;
    limit = next;
    change(limit);
  }

  /** Sends as `send` does, and learns from how long it takes. */
  const timed = (send) => async (options) => {
    const began = performance.now();
    const answer = await send(options);
    note(performance.now() - began);
    return answer;
  };

  return { limit: () => limit, timed };
}
