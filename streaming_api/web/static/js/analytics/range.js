// The range that is asked for, and its empty buckets: the API leaves out those in which nothing started.

const HOUR_MS = 3_600_000;
const STEP = { hour: HOUR_MS, day: 24 * HOUR_MS };
const MOST = 2500; // bars that a chart can still show

const floor = (moment, step) => new Date(Math.floor(moment / step) * step);

/** From the beginning of a bucket, so that the first is as whole as the others; no `from` without days. */
export function rangeOf(days, grain, now) {
  if (!days) return { from: null, until: now };
  return { from: floor(now - (Number(days) * 24 * HOUR_MS - STEP[grain]), STEP[grain]), until: now };
}

/** The rows with zeros between them. */
export function fill(rows, { from, until }, grain) {
  const step = STEP[grain];
  const known = new Map(rows.map((row) => [Date.parse(row.at), row]));
  const first = from ?? (rows.length ? new Date(rows[0].at) : floor(until, step));
  const filled = [];
  for (let at = floor(first, step).getTime(); at <= until; at += step) {
    filled.push(known.get(at) ?? { at: new Date(at).toISOString(), views: 0, watch_time_s: 0, unique_viewers: 0, plays: 0 });
  }
  return filled.slice(-MOST);
}
