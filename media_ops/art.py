"""Pictures of an item: a poster for video, neither black nor blurred; the cover that audio brings along.

A few frames are fetched by seeking through ranges and scored; nothing is read through. What does not
belong here: storing them.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path

import ffmpeg
import msgspec
import pyvips

from media_ops import filters, sandbox, tools
from media_ops.description import Picture, SourceDescription, VideoStream
from media_ops.gate import Gate, open_gate
from media_ops.inspect import MAX_PIXELS

LIMITS = sandbox.Limits(cpu_s=60, wall_s=60, memory_bytes=4 * sandbox.GIB, file_bytes=0)
SIZES = (("", 1280), ("-small", 480))
"""Suffix of the name and longest side in pixels."""
QUALITY = 82
FIRST_LOOK = (0.1, 0.25, 0.4, 0.55, 0.7)
SECOND_LOOK = (0.02, 0.15, 0.33, 0.48, 0.62, 0.8, 0.9, 0.97)
"""Where frames are taken, as shares of the duration; the second set only if all of the first are poor."""
WITHOUT_DURATION_S = (0.0, 1.0, 3.0, 8.0, 20.0)
GOOD_ENOUGH = 0.2
BLACK_MEAN, WHITE_MEAN, FLAT_SPREAD = 18.0, 240.0, 6.0


_PPM = re.compile(rb"P6\s(\d{1,5})\s(\d{1,5})\s255\s")


class ArtImage(msgspec.Struct, frozen=True, kw_only=True):
    """One encoded picture. ``name``: ``poster`` or ``cover``, with ``-small`` and ``-webp`` as they apply."""

    name: str
    content_type: str
    width: int
    height: int
    data: bytes

    @property
    def extension(self) -> str:
        return "webp" if self.content_type == "image/webp" else "jpg"


class Frame(msgspec.Struct, frozen=True):
    """A decoded picture: 8-bit RGB, row by row."""

    width: int
    height: int
    pixels: bytes


async def make_art(url: str, source: SourceDescription, *, scratch: Path, nice: int = 0) -> list[ArtImage]:
    """Poster (video) or cover (audio with an attached picture) in JPEG and WebP, two sizes; else nothing.

    Raises TransientWorkError when the store cannot be read. A source none of whose frames can be decoded
    has no art: playing it is judged elsewhere.
    """
    async with open_gate(url, source.size) as gate:
        frame = await gate.guard(_look(gate, source, scratch, nice))
    if frame is None:
        return []
    name = "poster" if source.kind == "video" else "cover"
    return await asyncio.to_thread(_encode, name, frame)


async def _look(gate: Gate, source: SourceDescription, scratch: Path, nice: int) -> Frame | None:
    if source.main_video:
        return await _best_frame(gate.url, source, source.main_video, scratch, nice)
    if source.pictures:
        return await _cover(gate.url, source.pictures[0], scratch, nice)
    return None


async def _best_frame(
    url: str, source: SourceDescription, video: VideoStream, scratch: Path, nice: int
) -> Frame | None:
    """The frame with the best score; looks again only where nothing good was found."""
    best, best_score = None, -1.0
    for times in _looks(source.duration_s):
        async with aclosing(_frames(url, video, times, scratch, nice)) as frames:
            async for frame in frames:
                value = await asyncio.to_thread(score, frame)
                if value > best_score:
                    best, best_score = frame, value
        if best_score >= GOOD_ENOUGH:
            break
    return best


def _looks(duration_s: float | None) -> Iterator[list[float]]:
    if duration_s is None:
        yield list(WITHOUT_DURATION_S)
        return
    yield [share * duration_s for share in FIRST_LOOK]
    yield [share * duration_s for share in SECOND_LOOK]
    yield [0.0]


async def _frames(
    url: str, video: VideoStream, times: Iterable[float], scratch: Path, nice: int
) -> AsyncGenerator[Frame, None]:
    width, height = fitted(video.display, SIZES[0][1])
    for time in times:
        opened = ffmpeg.input(url, ss=f"{time:.3f}", max_pixels=MAX_PIXELS, **sandbox.input_options())
        stream = filters.still(opened[str(video.index)], video, width, height)
        if frame := await _take(stream, scratch, nice):
            yield frame


async def _cover(url: str, picture: Picture, scratch: Path, nice: int) -> Frame | None:
    if picture.width * picture.height > MAX_PIXELS:
        return None
    opened = ffmpeg.input(url, max_pixels=MAX_PIXELS, **sandbox.input_options())
    longest = SIZES[0][1]
    shape = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2}
    fit = opened[str(picture.index)].filter("scale", f"min({longest},iw)", f"min({longest},ih)", **shape)
    return await _take(fit.filter("format", "rgb24"), scratch, nice)


async def _take(stream: object, scratch: Path, nice: int) -> Frame | None:
    """One frame out of ffmpeg (as PPM, which says its size), None where there is none at that place."""
    output = ffmpeg.output(stream, "pipe:1", f="image2pipe", **{"c:v": "ppm", "frames:v": 1})
    argv = [str(word) for word in ffmpeg.compile(output, cmd=tools.ffmpeg())]
    argv += ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+error"]
    _, written, _ = await sandbox.run(argv, limits=LIMITS, scratch=scratch, nice=nice)
    head = _PPM.match(written)
    if head is None:
        return None
    width, height = int(head[1]), int(head[2])
    pixels = written[head.end() :]
    return Frame(width, height, pixels) if len(pixels) == width * height * 3 else None


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """``size`` made to fit a square of ``longest`` pixels, never larger, even."""
    scale = min(1.0, longest / max(size))
    return max(2, int(size[0] * scale) // 2 * 2), max(2, int(size[1] * scale) // 2 * 2)


def score(frame: Frame) -> float:
    """How well a frame stands for the item: 0 for black, white or flat; more for spread, sharp, well lit."""
    grey = _image(frame).colourspace("b-w")
    grey = grey.resize(min(1.0, 480 / max(frame.width, frame.height)))
    mean, spread = grey.avg(), grey.deviate()
    if not BLACK_MEAN < mean < WHITE_MEAN or spread < FLAT_SPREAD:
        return 0.0
    edges = grey.conv(pyvips.Image.new_from_array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), precision="float")
    sharpness = 1 - math.exp(-edges.deviate() / 12)
    light = 1 - abs(mean - 118) / 180
    return min(1.0, spread / 55) * sharpness * light


def _image(frame: Frame) -> pyvips.Image:
    image = pyvips.Image.new_from_memory(frame.pixels, frame.width, frame.height, 3, "uchar")
    return image.copy(interpretation="srgb")


def _encode(name: str, frame: Frame) -> list[ArtImage]:
    whole = _image(frame)
    images = []
    for suffix, longest in SIZES:
        image = whole.thumbnail_image(longest, height=longest, size="down")
        shape = {"width": image.width, "height": image.height}
        jpeg = image.jpegsave_buffer(Q=QUALITY, keep=0, optimize_coding=True)
        webp = image.webpsave_buffer(Q=QUALITY, keep=0)
        images.append(ArtImage(name=f"{name}{suffix}", content_type="image/jpeg", data=jpeg, **shape))
        images.append(ArtImage(name=f"{name}{suffix}-webp", content_type="image/webp", data=webp, **shape))
    return images
