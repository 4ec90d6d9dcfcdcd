// The page of numbers: what is asked for, the answers, the live strip. Drawing stands in analytics/.

import { createBars } from "./analytics/bars.js";
import { follow } from "./analytics/live.js";
import { fill, rangeOf } from "./analytics/range.js";
import { paintItems, paintReceipt, paintRefused, paintRows, paintSum } from "./analytics/paint.js";
import { SHOWN } from "./analytics/say.js";
import { all, find } from "./page.js";
import { callAs, mayBeSignedIn, token } from "./session.js";

const AGAIN_MS = 15_000; // how often the numbers of a range are asked for anew
const form = find("[data-asked]");
const sum = find("[data-sum]");
let latest = 0;
let rows = [];
let bars = null;

const asked = () => ({ item: form.item.value, days: form.range.value, grain: form.grain.value });
const shown = () => find('[name="shown"]:checked').value;

async function ask() {
  const turn = ++latest;
  const { item, days, grain } = asked();
  const range = rangeOf(days, grain, new Date());
  const query = (which) => new URLSearchParams({ grain: which, ...(item && { media_id: item }), ...(range.from && { from: range.from.toISOString() }) });
  const [total, parts] = await Promise.all([
    callAs("GET", `/v1/creators/me/metrics?${query("total")}`),
    callAs("GET", `/v1/creators/me/metrics?${query(grain)}`),
  ]);
  if (turn !== latest) return; // something else was asked for meanwhile
  rows = fill(parts.rows, range, grain);
  paintSum(total.rows[0]);
  paintRefused(total.rows[0].refused);
  paintRows(parts.rows, grain);
  draw();
  paintReceipt(total, () => callAs("GET", `/v1/creators/me/receipts/${total.receipt_id}`));
  sum.setAttribute("aria-busy", "false");
}

function draw() {
  const { label, value, text, whole } = SHOWN[shown()];
  const { grain } = asked();
  find("[data-chart-heading]").textContent = `${label} by ${grain}`;
  bars ??= createBars(find("[data-chart]"), { height: () => (innerWidth < 545 ? 220 : 280) });
  bars.show(rows.map((row) => Date.parse(row.at) / 1000), rows.map(value), { grain, text, whole });
}

function say(error) {
  const problem = find("[data-problem]");
  problem.textContent = error ? [error.message, error.action].filter(Boolean).join(" ") : "";
  problem.hidden = !error;
}

const again = () => ask().then(() => say(null), say);

async function items() {
  const answer = await callAs("GET", "/v1/creators/me/items");
  paintItems(answer.items, form.item);
}

async function begin() {
  if (!mayBeSignedIn() || !(await token())) {
    find("[data-stranger]").hidden = false;
    return;
  }
  find("[data-room]").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    if (target.name === "range") form.grain.value = target.value === "1" ? "hour" : "day";
    sum.setAttribute("aria-busy", "true");
    again();
  });
  for (const choice of all('[name="shown"]')) choice.addEventListener("change", draw);
  follow({ item: () => form.item.value });
  await items().catch(say);
  await again();
  setInterval(() => document.visibilityState === "visible" && (again(), items().catch(say)), AGAIN_MS);
}

begin().catch((error) => {
  find("[data-room]").hidden = false;
  say(error);
});
