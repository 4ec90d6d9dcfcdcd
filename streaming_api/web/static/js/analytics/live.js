// The live strip: asked for every two seconds while somebody looks, more rarely where nothing answers.

import { find } from "../page.js";
import { callAs } from "../session.js";
import { createBars } from "./bars.js";
import { clock, many } from "./say.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000;
const BEHIND_MS = 15_000; // from here on the numbers are called behind

export async function follow({ item }) {
  const strip = find("[data-live]");
  const bars = createBars(find("[data-live-chart]"), { height: () => 96, bare: true });
  let wait = EVERY_MS;
  for (;;) {
    if (document.visibilityState === "visible") {
      try {
        const live = await callAs("GET", `/v1/creators/me/live${item() ? `?media_id=${encodeURIComponent(item())}` : ""}`);
        paint(strip, bars, live);
        wait = EVERY_MS;
      } catch (error) {
        strip.classList.remove("moving");
        mark("behind", `${error.message} The last numbers stand.`);
        wait = Math.min(wait * 2, SLOWEST_MS);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function paint(strip, bars, live) {
  strip.setAttribute("aria-busy", "false");
  strip.classList.toggle("moving", live.now_watching > 0);
  find("[data-now]").textContent = many(live.now_watching);
  find("[data-live-plays]").textContent = many(live.plays);
  find("[data-live-views]").textContent = many(live.views);
  const text = (number) => `${many(number)} ${number === 1 ? "play" : "plays"}`;
  bars.show(live.minutes.map(({ at }) => Date.parse(at) / 1000), live.minutes.map(({ plays }) => plays), { grain: "minute", text });
  complete(live);
}

/** How far the numbers are complete, in words. */
function complete({ complete_until, as_of }) {
  if (!complete_until) return mark("", "How far these numbers are complete is not known yet");
  const until = new Date(complete_until);
  const behind = Date.parse(as_of) - until;
  if (behind <= BEHIND_MS) return mark("whole", `Complete until ${clock(until)}`);
  return mark("behind", `Behind: complete until ${clock(until)}, ${late(behind)} ago`);
}

function late(milliseconds) {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return `${Math.round(milliseconds / 1000)} seconds`;
  if (minutes < 120) return `${minutes} ${minutes === 1 ? "minute" : "minutes"}`;
  return `${Math.round(minutes / 60)} hours`;
}

/** A status line is heard when it changes in kind, not each second. */
function mark(kind, text) {
  const line = find("[data-complete]");
  line.className = `mark small ${kind}`;
  line.setAttribute("aria-live", line.dataset.kind === kind ? "off" : "polite");
  line.dataset.kind = kind;
  line.textContent = text;
}
