"""The full ladder of a clip through the whole platform, against one plain ffmpeg command."""

import time
from typing import Any

from bench import clips
from bench.creator import Creator
from bench.registry import Row, Rows, at_most, bench
from bench.stack import Stack


@bench("Full ladder of 60 s of 720p", needs_stack=True)
def ladder(stack: Stack) -> Rows:
    """Seconds from `complete` to `ready`, and of ffmpeg making the encoded rungs from one decode."""
    creator = Creator(stack.api)
    clip = clips.streamable(60)
    begun, parts = creator.send(clip)
    began = time.perf_counter()
    creator.complete(begun, parts)
    creator.seconds_until(begun.media_id, "ready")
    ours = time.perf_counter() - began
    renditions = creator.call("GET", f"/v1/media/{begun.media_id}")["renditions"]
    creator.delete(begun.media_id)

    began = time.perf_counter()
    clips.ffmpeg("-i", clip, *_plain(renditions))
    plain = time.perf_counter() - began
    names = ", ".join(rendition["name"] for rendition in renditions)
    return [
        Row("the platform, complete to ready", ours, "s", note=names),
        Row("one plain ffmpeg command", plain, "s", note="the rung of the source's own size copied by both"),
        Row("the platform against plain ffmpeg", ours / plain, "ratio", at_most(1.1)),
    ]


def _plain(renditions: list[dict[str, Any]]) -> list[str]:
    """Outputs for the same rungs, by the same encoder and preset; the source's size is copied."""
    pictures = sorted((r for r in renditions if r["kind"] == "video"), key=lambda r: r["height"])
    encoded, labels = pictures[:-1], [f"v{n}" for n in range(len(pictures) - 1)]
    split = f"[0:v]split={len(encoded)}" + "".join(f"[s{label}]" for label in labels)
    scales = [f"[s{n}]scale={r['width']}:{r['height']}[{n}]" for n, r in zip(labels, encoded, strict=True)]
    arguments = ["-filter_complex", ";".join([split, *scales])]
    for label, rung in zip(labels, encoded, strict=True):
        rate = str(rung["bitrate"])
        arguments += ["-map", f"[{label}]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"]
        arguments += ["-maxrate", rate, "-bufsize", str(2 * int(rate)), "-g", "120", "-f", "mp4", "/dev/null"]
    arguments += ["-map", "0:v", "-c:v", "copy", "-f", "mp4", "/dev/null"]
    for sound in (r for r in renditions if r["kind"] == "audio"):
        arguments += ["-map", "0:a", "-c:a", "aac", "-b:a", str(sound["bitrate"]), "-f", "mp4", "/dev/null"]
    return arguments
