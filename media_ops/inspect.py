"""Inspecting a source: what it is, or why it cannot become an item. Reads headers by range, never the file.

Every refusal of a file by its looks and claims stands here, with its limit. What does not belong here:
whether it is packaged as it is (``streamable``), what is made of it (``ladder``).
"""

import asyncio
import re
import tempfile
from pathlib import Path

import msgspec

from mcsp.errors import BadMediaError
from media_ops import probe, sandbox, tools
from media_ops.description import Keyframes, SourceDescription
from media_ops.failures import bad_media, of_process
from media_ops.gate import open_gate
from media_ops.mp4.index import MAX_TRACKS, FileIndex, TrackIndex
from media_ops.mp4.reading import read_index
from media_ops.ranges import RangeReader, open_session
from media_ops.sniff import looks_like

MAX_DURATION_S = 12 * 3600.0
"""Longer items exist, but an encode of one would hold a worker for days: upload it in parts."""
MAX_SIDE = 8192
MAX_PIXELS = 8192 * 4320
MIN_SIDE = 16
MAX_STREAMS = MAX_TRACKS
FIRST_PACKETS = ("-show_packets", "-read_intervals", "%+#300")
"""Enough to see whether frames lie evenly, where no index says so."""
MAX_ANSWER_BYTES = 8 << 20
"""Of ffprobe. It is decoded in our own process; 64 streams and 1000 chapters come to 0.5 MB."""
_ABSURD_PICTURE = re.compile(r"Picture size \d{5,}x\d+ is invalid|Picture size \d+x\d{5,} is invalid")


async def inspect(url: str, *, filename: str, size: int, scratch: Path) -> SourceDescription:
    """The description of the source at ``url`` (presigned), ``size`` bytes long.

    ``filename`` only serves messages; what the file is, its bytes say. Programs work in a folder of their own
    below ``scratch``, gone at the end. Raises BadMediaError with a card (permanent) or TransientWorkError
    (store, limits). Takes three to four round trips and one ffprobe.
    """
    if size == 0:
        raise bad_media("source_empty", filename=filename)
    with tempfile.TemporaryDirectory(prefix="inspect-", dir=scratch) as folder:
        return await _inspect(url, filename, size, Path(folder))


async def _inspect(url: str, filename: str, size: int, folder: Path) -> SourceDescription:
    async with open_session() as session:
        reader = RangeReader(session, url, size)
        looks = looks_like(await reader.read(0, 4096))
        if looks == "playlist":
            raise bad_media("playlist_not_media", filename=filename)
        if looks == "picture":
            raise bad_media("picture_not_media", filename=filename)
        if looks != "mp4":
            return _describe(await ffprobe(url, size, folder, *FIRST_PACKETS), size, None)
        index, raw = await asyncio.gather(
            read_index(reader, folder), ffprobe(url, size, folder), return_exceptions=True
        )
        if isinstance(index, BaseException):
            raise index
        if isinstance(raw, BadMediaError):
            raise bad_media("source_damaged", **raw.details) from raw
        if isinstance(raw, BaseException):
            raise raw
        return _describe(raw, size, index)


async def ffprobe(url: str, size: int, folder: Path, *more: str) -> probe.RawProbe:
    """ffprobe's answer about a source. BadMediaError ``not_media`` where no real container is found."""
    shown = ["-show_streams", "-show_format", "-show_chapters", "-of", "json", *more]
    options = [word for name, value in sandbox.input_options().items() for word in (f"-{name}", value)]
    async with open_gate(url, size) as gate:
        argv = [tools.ffprobe(), "-v", "level+error", "-threads", "1", *shown, *options, "-i", gate.url]
        work = sandbox.run(argv, limits=sandbox.PROBE, scratch=folder, most_bytes=MAX_ANSWER_BYTES)
        returncode, answer, log = await gate.guard(work)
    if _ABSURD_PICTURE.search(log):
        raise bad_media("too_big_picture", log=log[-2000:])
    if returncode == 0:
        return msgspec.json.decode(answer, type=probe.RawProbe)
    failure = of_process(log, returncode)
    if isinstance(failure, BadMediaError):
        raise bad_media("not_media", **failure.details)
    raise failure


def _describe(raw: probe.RawProbe, size: int, index: FileIndex | None) -> SourceDescription:
    _refuse_claims(raw, index)
    moving = [stream for stream in raw.streams if stream.codec_type == "video" and not _attached(stream)]
    sounding = [stream for stream in raw.streams if stream.codec_type == "audio"]
    video = [stream for stream in moving if _known(stream) and stream.width > 0 and stream.height > 0]
    audio = [stream for stream in sounding if _known(stream) and stream.channels > 0]
    if not video and not audio:
        raise bad_media("codec_unknown" if moving or sounding else "nothing_to_play")
    video.sort(key=lambda stream: (-stream.disposition.get("default", 0), -stream.width * stream.height))
    audio.sort(key=lambda stream: -stream.disposition.get("default", 0))
    tracks = {track.track_id: track for track in index.tracks} if index and not index.fragmented else {}
    track = tracks.get(int(video[0].id, 0)) if video and video[0].id else None
    sound = tracks.get(int(audio[0].id, 0)) if audio and audio[0].id else None
    return SourceDescription(
        container=raw.format.format_name,
        kind="video" if video else "audio",
        size=size,
        start_s=probe.seconds(raw.format.start_time) or 0.0,
        duration_s=_duration(raw),
        bitrate=probe.whole(raw.format.bit_rate),
        video=tuple(
            probe.video_stream(stream, even=_even(raw, stream, track if stream is video[0] else None))
            for stream in video
        ),
        audio=tuple(probe.audio_stream(stream) for stream in audio),
        pictures=tuple(probe.picture(stream) for stream in raw.streams if _attached(stream)),
        subtitles=sum(stream.codec_type == "subtitle" for stream in raw.streams),
        chapters=probe.chapters(raw.chapters),
        keyframes=_keyframes(track, sound),
    )


def _even(raw: probe.RawProbe, stream: probe.RawStream, track: TrackIndex | None) -> bool | None:
    return track.even if track else probe.evenly_spaced(raw.packets, stream.index)


def _known(stream: probe.RawStream) -> bool:
    return stream.codec_name not in ("unknown", "none", "")


def _attached(stream: probe.RawStream) -> bool:
    return bool(stream.disposition.get("attached_pic") or stream.disposition.get("timed_thumbnails"))


def _duration(raw: probe.RawProbe) -> float | None:
    claims = [probe.seconds(raw.format.duration), *(probe.seconds(stream.duration) for stream in raw.streams)]
    return max((claim for claim in claims if claim is not None and claim > 0), default=None)


def _refuse_claims(raw: probe.RawProbe, index: FileIndex | None) -> None:
    """Absurd claims are refused before anything is allocated for them."""
    if len(raw.streams) > MAX_STREAMS:
        raise bad_media("too_many_streams", streams=len(raw.streams))
    claimed = max(_duration(raw) or 0.0, index.claimed_s if index else 0.0)
    if claimed > MAX_DURATION_S:
        raise bad_media("too_long", duration_s=claimed)
    moving = [stream for stream in raw.streams if stream.codec_type == "video" and not _attached(stream)]
    sizes = [(stream.width, stream.height) for stream in moving]
    for width, height in [
        *sizes,
        *((track.width, track.height) for track in (index.tracks if index else ())),
    ]:
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise bad_media("too_big_picture", width=width, height=height)
    for width, height in sizes:
        if 0 < min(width, height) < MIN_SIDE:
            raise bad_media("too_small_picture", width=width, height=height)


def _keyframes(video: TrackIndex | None, audio: TrackIndex | None) -> Keyframes | None:
    if video is None or not video.grid_s:
        return None
    return Keyframes(
        count=video.keyframes,
        longest_gap_s=video.longest_gap_s,
        grid_s=video.grid_s,
        simple_edits=video.simple_edits and (audio is None or audio.simple_edits),
    )
