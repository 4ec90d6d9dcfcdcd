// Keeps the signed path fresh. Every address of an item begins with /b/{expires}/{signature}/; before each
// request an old beginning is exchanged for the newest one, so nothing is loaded again when it runs out.

const SIGNED = /\/b\/(\d+)\/[A-Za-z0-9_-]+\/media\//;
const EARLY_MS = 60_000;
const NOT_AGAIN_MS = 60_000; // a clock that is wrong must not turn each segment into a question

/** @param {() => Promise<string>} ask gives a newly signed address of the same item */
export function signedPath(ask) {
  let newest = null;
  let asking = null;
  let askedAt = -Infinity;

  function note(url) {
    const found = SIGNED.exec(url);
    if (!found) return;
    const until = Number(found[1]) * 1000;
    if (!newest || until > newest.until) newest = { until, start: found[0] };
  }

  async function renew() {
    asking ??= ask().then(note).finally(() => {
      asking = null;
      askedAt = performance.now();
    });
    return asking;
  }

  /** A request filter for Shaka's networking engine. */
  async function filter(_type, request) {
    const old = newest && newest.until - EARLY_MS < Date.now();
    if (old && performance.now() - askedAt > NOT_AGAIN_MS) await renew();
    if (newest) request.uris = request.uris.map((uri) => uri.replace(SIGNED, newest.start));
  }

  return { note, renew, filter };
}
