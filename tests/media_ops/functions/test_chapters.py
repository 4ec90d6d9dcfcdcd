"""Chapters of a file are told, and however many it holds, what is kept of them is small."""

from pathlib import Path

import msgspec
import pytest

from mcsp.errors import TransientWorkError
from media_ops.description import Chapter, SourceDescription
from media_ops.inspect import inspect
from media_ops.probe import MAX_CHAPTERS, MAX_TITLE
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import make_all, probe, size_of
from tests.media_ops.functions.server import Store

CONTAINERS = ("mkv", "mp4")
NAMED = ((0, 2500, "Opening"), (2500, 4000, "Grüße, \"quoted\" = 1"), (4000, 6000, "End"))  # fmt: skip


def marked(clips: Clips, name: str, marks: list[tuple[int, int, str]], seconds: float = 6) -> Path:
    """A file with chapters: (start, end, title) each, times in ms (ffmetadata)."""
    lines = [";FFMETADATA1"]
    for start, end, title in marks:
        told = title.replace("\\", "\\\\").replace("=", "\\=")
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={told}"]
    script = clips.write(f"{name}.ffmeta", "\n".join(lines).encode())
    inputs = [*picture(seconds=seconds), *tone(seconds), "-f", "ffmetadata", "-i", str(script)]
    return clips.make(
        name, [*inputs, "-map", "0", "-map", "1", "-map_chapters", "2", *H264, "-g", "25", *AAC]
    )


async def described(store: Store, path: Path) -> SourceDescription:
    return await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)


@pytest.mark.parametrize("container", CONTAINERS)
async def test_chapters_are_told(clips: Clips, store: Store, container: str) -> None:
    path = marked(clips, f"chapters.{container}", list(NAMED))
    found = (await described(store, path)).chapters
    assert found == tuple(Chapter(start / 1000, end / 1000, title) for start, end, title in NAMED)


@pytest.mark.parametrize("container", CONTAINERS)
async def test_a_file_with_chapters_plays_like_any_other(
    clips: Clips, store: Store, scratch: Path, container: str
) -> None:
    """An MP4 keeps them as a track of text besides."""
    path = marked(clips, f"chapters.{container}", list(NAMED))
    source, made = await make_all(store, path)
    assert (source.kind, len(source.audio)) == ("video", 1)
    for rung in made.inits:
        assert probe(made.join(rung, scratch), "-show_chapters", "-show_streams")["chapters"] == []


async def test_of_many_chapters_with_long_titles_little_is_kept(clips: Clips, store: Store) -> None:
    marks = [(n, n + 1, f"{n} " + "x" * 1000) for n in range(5000)]
    path = marked(clips, "many-chapters.mkv", marks)
    assert len(probe(path, "-show_chapters")["chapters"]) == 5000, "the file does hold them"
    source = await described(store, path)
    assert len(source.chapters) == MAX_CHAPTERS
    assert source.chapters[-1].start_s == pytest.approx((MAX_CHAPTERS - 1) / 1000)
    assert {len(chapter.title) for chapter in source.chapters} == {MAX_TITLE}
    assert len(msgspec.json.encode(source)) < 300_000


async def test_chapters_without_end_are_not_even_read(clips: Clips, store: Store) -> None:
    path = marked(clips, "endless-chapters.mkv", [(n, n + 1, "x" * 1000) for n in range(12_000)])
    with pytest.raises(TransientWorkError) as caught:
        await described(store, path)
    assert caught.value.code == "limit_output"


async def test_a_long_title_of_a_sound_is_cut(clips: Clips, store: Store) -> None:
    tagged = ["-metadata:s:a:0", "title=" + "y" * 5000, *AAC]
    source = await described(store, clips.make("long-title.mka", [*tone(1), *tagged]))
    assert source.audio[0].title == "y" * MAX_TITLE
