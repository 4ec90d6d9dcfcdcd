// Puts answers on the page: figures, tables, the receipt.

import { all, find } from "../page.js";
import { bucket, many, span, whole } from "./say.js";

export function paintSum(row) {
  const timed = row.plays + row.refused.own_play; // watch time holds the owner's own plays too
  const figures = {
    views: many(row.views),
    watch: span(row.watch_time_s),
    viewers: many(row.unique_viewers),
    average: timed ? span(row.watch_time_s / timed) : "–",
  };
  for (const place of all("[data-figure]")) place.textContent = figures[place.dataset.figure];
}

export function paintRefused(refused) {
  for (const place of all("[data-refused]")) place.textContent = many(refused[place.dataset.refused] ?? 0);
}

export function paintRows(rows, grain) {
  find("[data-rows]").replaceChildren(...[...rows].reverse().map((row) => line(
    bucket(Date.parse(row.at), grain), many(row.views), span(row.watch_time_s), many(row.unique_viewers), many(row.plays),
  )));
  find("[data-no-rows]").hidden = rows.length > 0;
}

/** The table of items, and the choice among them; what is chosen stays chosen. */
export function paintItems(items, choice) {
  find("[data-items]").replaceChildren(...items.map((item) => line(named(item), many(item.views), span(item.watch_time_s), many(item.unique_viewers))));
  find("[data-no-items]").hidden = items.length > 0;
  const chosen = choice.value;
  const names = items.map((item) => new Option(named(item), item.media_id));
  choice.replaceChildren(choice.options[0], ...names);
  choice.value = items.some((item) => item.media_id === chosen) ? chosen : "";
}

const named = (item) => (item.deleted ? `${item.title} (deleted)` : item.title);

function line(first, ...rest) {
  const row = document.createElement("tr");
  const head = Object.assign(document.createElement("th"), { scope: "row", dir: "auto", textContent: first });
  row.append(head, ...rest.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return row;
}

/** What the sums are made of; the receipt itself is fetched when somebody opens it. */
export function paintReceipt(answer, fetchReceipt) {
  find("[data-made]").textContent = `Rule ${answer.rule_version}${answer.complete_until ? `, every event that arrived before ${whole(Date.parse(answer.complete_until))}` : ""}.`;
  const details = find("[data-receipt]");
  const load = async () => {
    if (!details.open || details.dataset.shown === answer.receipt_id) return;
    details.dataset.shown = answer.receipt_id;
    try {
      lines(await fetchReceipt());
    } catch (error) {
      details.dataset.shown = "";
      pairs([["Not available", error.message]]);
    }
  };
  details.ontoggle = load;
  load();
}

function lines(receipt) {
  const { inputs } = receipt;
  const rows = inputs.offsets.reduce((sum, offset) => sum + offset, 0);
  pairs([
    ["Receipt", receipt.receipt_id],
    ["Items", many(inputs.items.length)],
    ["Range", `${inputs.query.from ? whole(Date.parse(inputs.query.from)) : "the beginning"} to ${inputs.query.to ? whole(Date.parse(inputs.query.to)) : "now, open"}`],
    ["Read up to", inputs.offsets.map((offset, partition) => `${inputs.topic}/${partition}: ${many(offset)}`).join(", ")],
    ["Messages there", `${many(rows)}, those of other creators among them`],
    ["Digest of the answer", receipt.answer_sha256],
    ["Closed", receipt.sealed ? "yes" : "no: events that come late still change these numbers, and make another receipt"],
  ]);
}

function pairs(all_) {
  find("[data-receipt-lines]").replaceChildren(...all_.map(([name, text]) => {
    const group = document.createElement("div");
    group.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: text }));
    return group;
  }));
}
