"""Posters are neither black nor blurred; covers are kept; where there is nothing, nothing is made up."""

from pathlib import Path

import pytest
import pyvips

from media_ops.art import Frame, fitted, make_art, score
from media_ops.inspect import inspect
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import size_of
from tests.media_ops.functions.server import Store

LAPLACE = pyvips.Image.new_from_array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


async def art_of(store: Store, path: Path) -> dict[str, pyvips.Image]:
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    images = await make_art(store.address(path), source, scratch=path.parent)
    for image in images:
        read = pyvips.Image.new_from_buffer(image.data, "")
        assert (read.width, read.height) == (image.width, image.height)
        assert image.data[:2] == b"\xff\xd8" or image.data[8:12] == b"WEBP"
    return {image.name: pyvips.Image.new_from_buffer(image.data, "") for image in images}


async def test_poster_is_not_black_where_nearly_all_is(clips: Clips, store: Store) -> None:
    dark = "drawbox=c=black:t=fill:enable='lt(t,4.2)+gt(t,5.8)'"
    path = clips.make("dark.mp4", [*picture(seconds=12), "-vf", dark, *H264, "-g", "25"])
    found = await art_of(store, path)
    assert set(found) == {"poster", "poster-webp", "poster-small", "poster-small-webp"}
    assert found["poster"].colourspace("b-w").avg() > 40


async def test_poster_is_the_sharp_one(clips: Clips, store: Store) -> None:
    soft = "gblur=sigma=12:enable='lt(t,4.5)+gt(t,7.5)'"
    path = clips.make("soft.mp4", [*picture(seconds=12), "-vf", soft, *H264, "-g", "25"])
    poster = (await art_of(store, path))["poster"]
    edges = poster.colourspace("b-w").conv(LAPLACE, precision="float").deviate()
    assert edges > 15


async def test_poster_is_upright(clips: Clips, store: Store) -> None:
    flat = clips.make("art-flat.mp4", [*picture(seconds=1), *H264])
    path = clips.make("art-turned.mp4", ["-display_rotation", "90", "-i", str(flat), "-c", "copy"])
    poster = (await art_of(store, path))["poster"]
    assert poster.height > poster.width


async def test_poster_of_one_frame(clips: Clips, store: Store) -> None:
    path = clips.make("art-one.mp4", [*picture(seconds=1), "-frames:v", "1", *H264])
    assert "poster" in await art_of(store, path)


async def test_cover_of_audio_is_kept(clips: Clips, store: Store) -> None:
    cover = clips.make("art-front.png", [*picture("600x600", seconds=1), "-frames:v", "1", "-update", "1"])
    song = clips.make("art-plain.mp3", [*tone(2), "-c:a", "libmp3lame"])
    both = ["-i", str(song), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy"]
    found = await art_of(store, clips.make("art-covered.mp3", both))
    assert set(found) == {"cover", "cover-webp", "cover-small", "cover-small-webp"}
    assert (found["cover"].width, found["cover-small"].width) == (600, 480)


async def test_audio_without_a_cover_has_none(clips: Clips, store: Store) -> None:
    assert await art_of(store, clips.make("art-none.m4a", [*tone(2), *AAC])) == {}


def test_black_and_flat_frames_score_nothing() -> None:
    for value in (0, 8, 255):
        assert score(Frame(64, 36, bytes([value] * 64 * 36 * 3))) == 0


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (641, 361), (100, 100), (8192, 16)])
def test_pictures_are_never_enlarged(size: tuple[int, int]) -> None:
    width, height = fitted(size, 1280)
    assert width <= max(2, size[0])
    assert height <= max(2, size[1])
    assert max(width, height) <= 1280
