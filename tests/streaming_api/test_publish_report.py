"""Promises of what ``mcsp publish`` shows on a terminal."""

import io

from rich.console import Console

from streaming_api.publish import report
from streaming_api.publish.watch import Media, Rendition


def test_five_qualities_leave_the_bar_its_place_on_80_columns() -> None:
    names = ["video-1080p", "video-720p", "video-480p", "video-360p", "audio-128k"]
    renditions = [Rendition(name, "published" if i < 3 else "running") for i, name in enumerate(names)]
    display, said = report.Display(1), io.StringIO()
    display.media(Media("1", "processing", renditions, 0.5))
    Console(file=said, width=80).print(display._progress)
    line = said.getvalue().splitlines()[-1]
    assert "3 of 5 qualities" in line
    assert line.startswith("processing")
    assert line.count("\u2501") > 12
