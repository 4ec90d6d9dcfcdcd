"""Manifests: valid to other people's parsers, appended to only, and played whole by ffmpeg."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import m3u8
import pytest
from mpegdash.parser import MPEGDASHParser

from media_ops.checks import manifest_keys, referenced_keys
from media_ops.inspect import inspect
from media_ops.ladder import plan
from media_ops.manifests.dash import mpd
from media_ops.manifests.hls import master, media
from media_ops.manifests.rows import RenditionRow, SegmentRow
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, run, tone
from tests.media_ops.functions.readback import Made, make_all, probe, size_of
from tests.media_ops.functions.server import Store

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
MEDIA_ID = UUID("01890000-0000-7000-8000-000000000001")


async def rows_of(store: Store, path: Path) -> tuple[tuple[RenditionRow, ...], Made, int]:
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    _, made = await make_all(store, path)
    rows = tuple(
        RenditionRow(
            digest=f"d-{rung.name}",
            name=rung.name,
            kind=rung.kind,
            codecs=made.inits[rung.name].codecs,
            bitrate=rung.bitrate,
            timescale=made.inits[rung.name].timescale,
            width=rung.width,
            height=rung.height,
            frame_rate=str(rung.frame_rate) if rung.frame_rate else None,
            channels=rung.channels,
            sample_rate=rung.sample_rate,
            segments=tuple(
                SegmentRow(part.number, part.start_ticks, part.duration_ticks, len(part.data))
                for part in made.segments[rung.name]
            ),
        )
        for rung in planned.rungs
    )
    return rows, made, planned.grid.target_s


def store_package(folder: Path, rows: tuple[RenditionRow, ...], made: Made, target_s: int) -> Path:
    """Lays everything out as the bucket has it; gives the manifests' folder."""
    version = folder / "m1"
    version.mkdir()
    for row in rows:
        (folder / row.digest).mkdir()
        (folder / row.digest / "init.mp4").write_bytes(made.inits[row.name].data)
        for part in made.segments[row.name]:
            (folder / row.digest / f"{part.number}.m4s").write_bytes(part.data)
        (version / row.playlist).write_text(media(row, target_s=target_s, finished=True))
    (version / "master.m3u8").write_text(master(rows, finished=True))
    text = mpd(rows, target_s=target_s, finished=True, started_at=STARTED, now=STARTED)
    (version / "manifest.mpd").write_text(text)
    return version


def files_below(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def movie(clips: Clips) -> Path:
    gop = ["-g", "50", "-movflags", "+faststart"]
    return clips.make("manifest.mp4", [*picture("640x360", seconds=13), *tone(13), *H264, *gop, *AAC])


async def test_hls_is_what_other_parsers_expect(clips: Clips, store: Store) -> None:
    rows, _, target_s = await rows_of(store, movie(clips))
    parsed: Any = m3u8.loads(master(rows, finished=True))
    assert parsed.is_variant
    assert parsed.is_independent_segments
    pictures = [row for row in rows if row.kind == "video"]
    assert len(parsed.playlists) == len(pictures)
    assert {item.uri for item in parsed.playlists} == {row.playlist for row in pictures}
    for item in parsed.playlists:
        info = item.stream_info
        assert info.average_bandwidth <= info.bandwidth
        assert info.codecs.startswith("avc1.")
        assert "mp4a.40.2" in info.codecs
        assert info.audio in {sound.group_id for sound in parsed.media}
    for row in rows:
        listed: Any = m3u8.loads(media(row, target_s=target_s, finished=True))
        assert listed.is_endlist
        assert listed.playlist_type == "event"
        assert listed.segment_map[0].uri == f"../{row.digest}/init.mp4"
        assert [segment.uri for segment in listed.segments] == [
            row.media(part.number) for part in row.segments
        ]
        assert all(round(segment.duration) <= listed.target_duration for segment in listed.segments)
        assert listed.start.time_offset == 0
        assert sum(segment.duration for segment in listed.segments) == pytest.approx(row.end_s, abs=0.01)


async def test_bandwidth_is_never_below_a_segment(clips: Clips, store: Store) -> None:
    rows, _, _ = await rows_of(store, movie(clips))
    for finished in (True, False):
        for row in rows:
            for part in row.segments[:-1]:
                rate = part.bytes * 8 * row.timescale / part.duration_ticks
                assert row.peak(finished=finished) >= int(rate)


async def test_a_growing_list_is_only_appended_to(clips: Clips, store: Store) -> None:
    rows, _, target_s = await rows_of(store, movie(clips))
    for row in rows:
        before = ""
        for count in range(1, len(row.segments) + 1):
            part = RenditionRow(**{**fields(row), "segments": row.segments[:count]})
            text = media(part, target_s=target_s, finished=False)
            assert text.startswith(before)
            assert "ENDLIST" not in text
            before = text
        assert media(row, target_s=target_s, finished=True) == before + "#EXT-X-ENDLIST\n"


def fields(row: RenditionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


async def test_a_growing_mpd_is_dynamic_and_ends_static(clips: Clips, store: Store) -> None:
    rows, _, target_s = await rows_of(store, movie(clips))
    now = STARTED + timedelta(seconds=9)
    growing: Any = MPEGDASHParser.parse(
        mpd(rows, target_s=target_s, finished=False, started_at=STARTED, now=now)
    )
    assert growing.type == "dynamic"
    assert growing.availability_start_time.startswith("2026-01-01T00:00:00")
    assert growing.media_presentation_duration is None
    claimed: Any = MPEGDASHParser.parse(
        mpd(rows, target_s=target_s, finished=False, started_at=STARTED, now=now, duration_s=61.5)
    )
    assert claimed.suggested_presentation_delay == "PT24H", "begins at 0, whatever is there"
    assert (claimed.type, claimed.media_presentation_duration) == ("dynamic", "PT61.500S")
    ended: Any = MPEGDASHParser.parse(
        mpd(rows, target_s=target_s, finished=True, started_at=STARTED, now=now, duration_s=61.5)
    )
    assert ended.type == "static"
    assert ended.minimum_update_period is None
    end = max(row.end_s for row in rows)
    assert float(ended.media_presentation_duration.strip("PTS")) == pytest.approx(end, abs=0.001)


async def test_the_timeline_says_each_segment(clips: Clips, store: Store) -> None:
    rows, _, target_s = await rows_of(store, movie(clips))
    text = mpd(rows, target_s=target_s, finished=True, started_at=STARTED, now=STARTED)
    parsed: Any = MPEGDASHParser.parse(text)
    by_name = {row.name: row for row in rows}
    seen = set()
    for adaptation in parsed.periods[0].adaptation_sets:
        for representation in adaptation.representations:
            row = by_name[representation.id]
            seen.add(row.name)
            template = representation.segment_templates[0]
            starts, at = [], 0
            for entry in template.segment_timelines[0].Ss:
                at = at if entry.t is None else entry.t
                for _ in range((entry.r or 0) + 1):
                    starts.append((at, entry.d))
                    at += entry.d
            assert starts == [(part.start_ticks, part.duration_ticks) for part in row.segments]
            assert template.timescale == row.timescale
    assert seen == set(by_name)


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
async def test_ffmpeg_plays_the_whole(clips: Clips, store: Store, scratch: Path, manifest: str) -> None:
    rows, made, target_s = await rows_of(store, movie(clips))
    folder = store_package(scratch, rows, made, target_s)
    log = run(["-xerror", "-i", str(folder / manifest), "-map", "0", "-f", "null", "-"])
    assert "error" not in log.lower()
    frames = run(["-i", str(folder / manifest), "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"])
    assert "frame=  325" in frames or "frame= 325" in frames or "frame=325" in frames


async def test_audio_alone_is_a_list_of_sounds(clips: Clips, store: Store, scratch: Path) -> None:
    path = clips.make("manifest.flac", [*tone(9)])
    rows, made, target_s = await rows_of(store, path)
    folder = store_package(scratch, rows, made, target_s)
    parsed: Any = m3u8.loads(master(rows, finished=True))
    assert {item.uri for item in parsed.playlists} == {"audio-64k.m3u8", "audio-128k.m3u8"}
    assert {item.stream_info.codecs for item in parsed.playlists} == {"mp4a.40.2"}
    for manifest in ("master.m3u8", "manifest.mpd"):
        run(["-xerror", "-i", str(folder / manifest), "-map", "0", "-f", "null", "-"])


HOSTILE = {
    "a variant of its own": 'eng"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://evil.example/v.m3u8\n#',
    "another address": 'eng",URI="http://evil.example/a.m3u8',
    "a carriage return": "en\r#EXT-X-ENDLIST",
    "control characters": "e\x01\x02",
    "a line separator": "en\u2028",
    "no end": "en-" + "-".join(["abcdefgh"] * 200),
    "words": "the Queen's English",
}


def said(language: str | None, **more: Any) -> tuple[RenditionRow, ...]:
    """A picture and a sound in this language, with two segments each."""
    segments = (SegmentRow(0, 0, 4000, 9000), SegmentRow(1, 4000, 4000, 9000))
    common: dict[str, Any] = {"bitrate": 90_000, "timescale": 1000, "segments": segments}
    picture = {"kind": "video", "name": "240p", "width": 426, "height": 240, "codecs": "avc1.64001e"}
    sound = {"kind": "audio", "name": "audio-64k", "channels": 2, "codecs": "mp4a.40.2", "language": language}
    rows = ({"digest": "p", **picture}, {"digest": "s", **sound, **more})
    return tuple(RenditionRow(**common, **row) for row in rows)


async def spoken(clips: Clips, store: Store, name: str, language: str) -> str | None:
    """What inspecting a Matroska file says of a sound that the file calls ``language``."""
    tagged = ["-metadata:s:a:0", f"language={language}", "-c:a", "libopus"]
    path = clips.make(name, [*tone(1), *tagged])
    assert probe(path, "-show_streams")["streams"][0]["tags"]["language"] == language, "the file holds it"
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    return source.audio[0].language


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_language_that_is_none_never_reaches_a_manifest(
    clips: Clips, store: Store, kind: str
) -> None:
    language = await spoken(clips, store, f"hostile-{list(HOSTILE).index(kind)}.mka", HOSTILE[kind])
    rows = said(language)
    text = master(rows, finished=True)
    parsed: Any = m3u8.loads(text)
    assert [item.uri for item in parsed.playlists] == ["240p.m3u8"]
    assert [(item.uri, item.language) for item in parsed.media] == [("audio-64k.m3u8", None)]
    assert "evil" not in text
    shown: Any = MPEGDASHParser.parse(mpd(rows, target_s=4, finished=True, started_at=STARTED, now=STARTED))
    assert [item.lang for item in shown.periods[0].adaptation_sets] == [None, None]


@pytest.mark.parametrize("language", ["ger", "pt-BR", "zh-Hant-TW"])
async def test_a_language_is_told(clips: Clips, store: Store, language: str) -> None:
    rows = said(await spoken(clips, store, f"{language}.mka", language))
    parsed: Any = m3u8.loads(master(rows, finished=True))
    assert [item.language for item in parsed.media] == [language]
    shown: Any = MPEGDASHParser.parse(mpd(rows, target_s=4, finished=True, started_at=STARTED, now=STARTED))
    assert [item.lang for item in shown.periods[0].adaptation_sets] == [None, language]


@pytest.mark.parametrize("field", ["language", "codecs", "name", "digest"])
@pytest.mark.parametrize("text", ['a"b', "a\nb", "a\rb", "a\0b", "a\u2028b"])
def test_no_text_that_ends_a_line_or_a_quote_is_rendered(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=field):
        said(**{"language": None, field: text})


async def test_every_reference_is_a_key(clips: Clips, store: Store, scratch: Path) -> None:
    rows, made, target_s = await rows_of(store, movie(clips))
    folder = store_package(scratch, rows, made, target_s)
    prefix = f"media/{MEDIA_ID}/"
    for key in [*referenced_keys(MEDIA_ID, rows), *manifest_keys(MEDIA_ID, 1, rows)]:
        assert (folder.parent / key.removeprefix(prefix)).is_file()
    assert files_below(scratch) == len(referenced_keys(MEDIA_ID, rows)) + len(
        manifest_keys(MEDIA_ID, 1, rows)
    )
