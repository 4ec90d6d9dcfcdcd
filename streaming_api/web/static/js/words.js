// How scripts say things: lengths, sizes, times left.

export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A name for the middle of a sentence: whatever is in it turns nothing around it (UAX 9, FSI … PDI). */
export const isolated = (name) => `\u2068${name.replace(/[\u202A-\u202E\u2066-\u2069]/g, "")}\u2069`;

export function bytes(count) {
  if (!Number.isFinite(count)) return "";
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

export function left(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 10) return "a few seconds left";
  if (seconds < 90) return `${Math.ceil(seconds / 10) * 10} seconds left`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes left`;
  return `${Math.round(seconds / 3600)} hours left`;
}

export const percent = (share) => `${Math.floor(Math.min(1, Math.max(0, share || 0)) * 100)} %`;
