// Must be imported before uPlot, which formats by the browser's language as soon as it is loaded: some
// browsers name one that Intl refuses (such as en-US@posix), and the whole page would stand still.

try {
  new Intl.NumberFormat(navigator.language);
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
