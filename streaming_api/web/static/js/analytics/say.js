// How numbers are said: counts, watch time, moments.

const count = new Intl.NumberFormat("en");

export const many = (number) => count.format(number);

/** Seconds as people say them: 45 s, 12 min 5 s, 3 h 20 min, 1,240 h. */
export function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 100) return `${many(hours)} h`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
const HOUR = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const SHORT = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hour: "2-digit", minute: "2-digit" });

/** A mark of an axis: the day, or the time within it. */
export const tick = (moment) => (moment % 86_400_000 === 0 ? SHORT : TIME).format(moment);
export const bucket = (moment, grain) => (grain === "day" ? DAY : HOUR).format(moment);
export const clock = (moment) => CLOCK.format(moment);
export const whole = (moment) => `${HOUR.format(moment)} UTC`;

/** What a chart can show: its name, the number of a row, and how that is said. */
export const SHOWN = {
  views: { label: "Views", value: (row) => row.views, text: (number) => `${many(number)} ${number === 1 ? "view" : "views"}` },
  watch: { label: "Watch time in hours", value: (row) => row.watch_time_s / 3600, text: (hours) => span(hours * 3600), whole: false },
  viewers: { label: "Unique viewers", value: (row) => row.unique_viewers, text: (number) => `${many(number)} ${number === 1 ? "viewer" : "viewers"}` },
};
