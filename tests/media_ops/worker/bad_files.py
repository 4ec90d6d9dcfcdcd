"""Files that no upload should contain, by name: how to make each, and the code that its card must have."""

import struct
from collections.abc import Callable
from pathlib import Path

from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone

Maker = Callable[[Clips, str], bytes]
"""Gives the content; the second argument is an address that nobody may ask."""


def _whole(clips: Clips) -> bytearray:
    return bytearray(clips.streamable("whole.mp4", 3).read_bytes())


def _cut(clips: Clips, _: str) -> bytes:
    whole = _whole(clips)
    return bytes(whole[: len(whole) // 2])


def _without_index(clips: Clips, _: str) -> bytes:
    last = index_last(clips).read_bytes()
    return last[: last.rindex(b"moov") - 4]


def index_last(clips: Clips) -> Path:
    """A whole file whose ``moov`` stands behind its ``mdat``."""
    return clips.make("index-last.mp4", [*picture(seconds=3), *tone(3), *H264, *AAC])


def _hundred_hours(clips: Clips, _: str) -> bytes:
    content = bytearray(clips.make("second.mp4", [*picture(seconds=1), *H264]).read_bytes())
    for box, at in ((b"mvhd", 16), (b"tkhd", 20), (b"mdhd", 16)):
        place = content.index(box)
        scale = 1000 if box == b"tkhd" else struct.unpack_from(">I", content, place + at)[0]
        struct.pack_into(">I", content, place + at + 4, min(0xFFFFFFFF, 360_000 * scale))
    struct.pack_into(">I", content, content.index(b"elst") + 12, 360_000_000)
    struct.pack_into(">I", content, content.index(b"stts") + 16, 0xFFFFFFFF // 25)
    return bytes(content)


def _huge(clips: Clips, _: str) -> bytes:
    small = ["-c:v", "mpeg4", "-frames:v", "1"]
    content = bytearray(clips.make("small.mp4", [*picture("64x64", seconds=1), *small]).read_bytes())
    entry = content.index(b"mp4v", content.index(b"stsd"))
    struct.pack_into(">HH", content, entry + 28, 16384, 16384)
    return bytes(content)


def _picture_only(clips: Clips, _: str) -> bytes:
    cover = clips.make("cover.jpg", [*picture("64x64", seconds=1), "-frames:v", "1", "-update", "1"])
    song = clips.make("one.m4a", [*tone(1), *AAC])
    attached = ["-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    return clips.make("picture-only.m4a", ["-i", str(song), "-i", str(cover), *attached]).read_bytes()


def _hls(target: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n".encode()


FILES: dict[str, tuple[Maker, str]] = {
    "cut in the middle": (_cut, "source_truncated"),
    "no moov": (_without_index, "index_missing"),
    "a claim of 100 hours": (_hundred_hours, "too_long"),
    "a claim of 16384x16384": (_huge, "too_big_picture"),
    "HLS playlist of a file": (lambda _, __: _hls("file:///etc/passwd"), "playlist_not_media"),
    "HLS playlist of an address": (lambda _, trap: _hls(trap), "playlist_not_media"),
    "HLS playlist the sniffer does not know": (lambda _, trap: b"\0" + _hls(trap), "not_media"),
    "concat script": (
        lambda _, trap: f"ffconcat version 1.0\nfile '{trap}'\nfile '/etc/passwd'\n".encode(),
        "playlist_not_media",
    ),
    "attached picture only": (_picture_only, "nothing_to_play"),
    "a single byte": (lambda _, __: b"\0", "not_media"),
    "text renamed": (lambda _, __: b"Dear diary, nothing moved today.\n" * 400, "not_media"),
}
