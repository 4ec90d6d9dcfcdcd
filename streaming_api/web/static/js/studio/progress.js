// How far an upload is, in words. What does not belong here: rows, Uppy.

import { bytes, left, percent } from "../words.js";

/** Where measuring begins: speed and time left are those since then. */
export const fresh = () => ({ began: performance.now(), before: null });

export const soFar = ({ share, size }) => `${percent(share)} of ${bytes(size)}`;

/** The line while bytes go out. @param entry {share, size, began, before}; its `share` is brought up to date */
export function onTheWay(entry, sent) {
  entry.before ??= sent;
  const seconds = (performance.now() - entry.began) / 1000;
  const speed = seconds > 1 ? (sent - entry.before) / seconds : 0;
  if (entry.share >= 1) return `${soFar(entry)} · finishing`;
  if (speed <= 0) return soFar(entry);
  return `${soFar(entry)} · ${bytes(speed)}/s · ${left((entry.size - sent) / speed)}`;
}
