// Bars over time by uPlot, in the page's own colours, with a line that says what is under the pointer.

import "./locale.js";
import uPlot from "../../assets/uplot/uPlot.esm.js";
import { bucket, tick } from "./say.js";

const WHOLE = [1, 2, 5].flatMap((digit) => [...Array(9).keys()].map((power) => digit * 10 ** power)).sort((a, b) => a - b);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Bars in `box`; `show(seconds, values, {grain, text})` draws them anew. */
export function createBars(box, { height, bare = false }) {
  let plot = null;
  let current = null;

  function options({ grain, text, whole = true }, count) {
    const axis = { stroke: () => colour("--ink-2"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "12px Instrument Sans, sans-serif" };
    return {
      width: box.clientWidth,
      height: height(),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      padding: bare ? [4, 0, 0, 0] : [12, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: true, range: (_, low, high) => half(low, high, count) }, y: { range: (_, __, high) => [0, Math.max(high * 1.1, whole ? 1 : 0.1)] } },
      axes: [
        { ...axis, grid: { show: false }, show: !bare, space: 64, values: (_, splits) => splits.map((seconds) => tick(seconds * 1000)) },
        { ...axis, show: !bare, size: 48, incrs: whole ? WHOLE : undefined },
      ],
      series: [{}, { fill: () => colour("--lamp"), stroke: () => colour("--lamp"), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 48], radius: 0.1 }) }],
      plugins: [tip(text, grain)],
    };
  }

  function show(seconds, values, how) {
    current = [seconds, values, how];
    plot?.destroy();
    plot = new uPlot(options(how, seconds.length), [seconds, values], box);
    const best = Math.max(0, ...values);
    const total = values.filter(Boolean).length;
    box.setAttribute("aria-label", best ? `Bars over time; the highest: ${how.text(best)}, ${bucket(seconds[values.indexOf(best)] * 1000, how.grain)}; ${total} of ${values.length} are not empty. The numbers are in the table.` : "No bars: nothing in this time.");
  }

  const redraw = () => current && show(...current);
  new ResizeObserver(() => plot && plot.width !== box.clientWidth && plot.setSize({ width: box.clientWidth, height: height() })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { show };
}

/** Half a bar of room at both ends. */
function half(low, high, count) {
  const step = count > 1 ? (high - low) / (count - 1) : 3600;
  return [low - step / 2, high + step / 2];
}

function tip(text, grain) {
  const line = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  return {
    hooks: {
      init: (plot) => plot.over.append(line),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        line.hidden = idx == null || left < 0;
        if (line.hidden) return;
        line.textContent = `${bucket(plot.data[0][idx] * 1000, grain)}: ${text(plot.data[1][idx])}`;
        line.style.left = `${Math.max(0, Math.min(left + 12, plot.over.clientWidth - line.offsetWidth))}px`;
        line.style.top = "4px";
      },
    },
  };
}
