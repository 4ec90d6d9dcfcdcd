"""What ``mcsp publish`` shows: a progress bar for people on stderr, one JSON object for programs."""

from contextlib import AbstractContextManager
from types import TracebackType

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from mcsp.errors import Failure
from streaming_api.publish.watch import PLAYABLE, Media, Playback


class Published(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result: ``playback`` is there when the item plays, ``failure`` when it does not."""

    media_id: str
    status: str
    watch_url: str
    playback: Playback | None = None
    failure: Failure | None = None

    @property
    def plays(self) -> bool:
        return self.status in PLAYABLE


class Display(AbstractContextManager["Display"]):
    """The progress of one upload on a terminal; says nothing on a pipe but the addresses."""

    def __init__(self, size: int) -> None:
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        self._progress = Progress(
            *columns, TimeElapsedColumn(), TextColumn("{task.fields[note]}"), console=self.console
        )
        self._upload = self._progress.add_task("uploading", total=max(size, 1), note="")
        self._work: TaskID | None = None

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def sent(self, size: int) -> None:
        """So many more bytes have arrived."""
        self._progress.advance(self._upload, size)

    def media(self, media: Media) -> None:
        """The item is that far."""
        if self._work is None:
            self._work = self._progress.add_task(media.status, total=1.0, note="")
        note = _counted(media)
        done = 1.0 if media.status == "ready" else media.progress or 0.0
        self._progress.update(self._work, description=media.status, completed=done, note=note)

    def plays(self, watch_url: str) -> None:
        """The item plays from now on."""
        self.console.print(f"it plays: {watch_url}", highlight=False)


def _counted(media: Media) -> str:
    """How many qualities are done: naming each would squash the bar on 80 columns."""
    done = sum(rendition.state == "published" for rendition in media.renditions)
    return f"{done} of {len(media.renditions)} qualities" if media.renditions else ""
