// The keys of the watch page. Keys that an element uses itself (typing, a menu, a slider's arrows) stay its own.

/** @param ready whether there is something that keys may act on */
export function listen({ acts, ready, total, showKeys }) {
  const keys = {
    " ": acts.toggle,
    k: acts.toggle,
    j: () => acts.by(-10),
    l: () => acts.by(10),
    ArrowLeft: () => acts.by(-5),
    ArrowRight: () => acts.by(5),
    ArrowUp: () => acts.louder(0.1),
    ArrowDown: () => acts.louder(-0.1),
    f: acts.full,
    m: acts.mute,
    "<": acts.slower,
    ">": acts.faster,
    "?": showKeys,
    Home: () => acts.to(0),
    End: () => acts.to(total()),
  };
  for (let tenth = 0; tenth <= 9; tenth += 1) keys[String(tenth)] = () => acts.to((total() * tenth) / 10);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !ready()) return;
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act || usesItself(event)) return;
    event.preventDefault();
    act();
  });
}

function usesItself({ key, target }) {
  if (target.closest?.("dialog[open], [role=menu], select, textarea")) return true;
  if (target.matches?.("input[type=range]")) return ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(key);
  if (target.matches?.("input")) return true;
  return key === " " && Boolean(target.closest?.("button, a"));
}
