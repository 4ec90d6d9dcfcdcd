"""What the person sees while steps run, several at once: a line when a step ends, signs of life between."""

import sys
import threading
import time

SHOW_EVERY_S = 0.2
REMIND_EVERY_S = 15.0


class Progress:
    """Prints the steps' progress. On a terminal one line is redrawn; elsewhere a line comes now and then."""

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._running: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()
        if self._tty:
            self._write("\r\x1b[K")

    def started(self, step: str, what: str) -> None:
        """A step begins; ``what`` is what it does, in a few words."""
        with self._lock:
            self._running[step] = (time.monotonic(), what)
            if not self._tty:
                self._write(f"  {step:<10} {what} ...\n")

    def detail(self, step: str, text: str) -> None:
        """The newest line of output of a running step."""
        with self._lock:
            since, _ = self._running[step]
            self._running[step] = (since, text)

    def finished(self, step: str, result: str) -> None:
        """A step has ended well."""
        with self._lock:
            since, _ = self._running.pop(step)
            clear = "\r\x1b[K" if self._tty else ""
            self._write(f"{clear}  {step:<10} {time.monotonic() - since:5.1f} s  {result}\n")

    def failed(self, step: str) -> None:
        """A step has ended badly; the error line is printed by whoever ends the set-up."""
        with self._lock:
            self._running.pop(step, None)

    def _tick(self) -> None:
        wait = SHOW_EVERY_S if self._tty else REMIND_EVERY_S
        while not self._ended.wait(wait):
            with self._lock:
                if self._running:
                    self._write(self._line())

    def _line(self) -> str:
        now = time.monotonic()
        parts = [f"{step} {now - since:.0f} s: {text}" for step, (since, text) in self._running.items()]
        if self._tty:
            return "\r\x1b[K  " + " | ".join(part[:44] for part in parts)[:140]
        return "".join(f"  {part[:110]}\n" for part in parts)

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
