"""From a completed upload to what viewers get, on the real stack with both workers."""

import asyncio
import subprocess
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from mcsp.contracts.media import DeadJob
from mcsp.contracts.topics import MEDIA_JOBS_DLQ
from media_ops import keys, tools
from tests.media_ops.worker.workbench import Workbench, until

pytestmark = pytest.mark.stack

MEASURED = "SELECT (loudness ->> 'integrated_lufs')::real FROM media_ops.source WHERE media_id = $1"


async def _text(bench: Workbench, key: str) -> str:
    return (await bench.store.get(bench.settings.s3.bucket_media, key)).decode()


async def _newest(bench: Workbench, media_id: UUID) -> str:
    return await bench.ask("SELECT prefix FROM media_ops.playable WHERE media_id = $1", media_id)


@pytest.mark.parametrize("kind", ["streamable", "other"])
async def test_an_item_plays_before_its_rungs_are_made_and_ends_whole(
    bench: Workbench, kind: str, request: pytest.FixtureRequest
) -> None:
    media_id = await bench.upload(request.getfixturevalue(kind))
    await bench.reached(media_id, "playable", "ready")
    assert "#EXT-X-STREAM-INF" in await _text(bench, f"{keys.manifests(media_id, 1)}/master.m3u8")
    await bench.assert_whole(media_id)
    early = """SELECT playable_at < (SELECT max(published_at) FROM media_ops.rendition WHERE media_id = $1)
               FROM media_ops.source WHERE media_id = $1"""
    assert await bench.ask(early, media_id)


async def test_all_versions_are_finished_once_the_item_is_ready(bench: Workbench, streamable: Path) -> None:
    media_id = await bench.upload(streamable)
    await bench.reached(media_id, "ready")
    playlists = (
        "SELECT array_agg(key) FROM media_ops.object_lineage WHERE media_id = $1 AND key LIKE '%.m3u8'"
    )
    for key in await bench.ask(playlists, media_id):
        text = await _text(bench, key)
        assert "#EXT-X-STREAM-INF" in text or text.endswith("#EXT-X-ENDLIST\n"), key
    newest = await _newest(bench, media_id)
    rungs = await bench.ask("SELECT count(*) FROM media_ops.rendition_state WHERE media_id = $1", media_id)
    assert (await _text(bench, f"{newest}/manifest.mpd")).count("<Representation ") == rungs
    head = await bench.store.head(bench.settings.s3.bucket_media, f"{newest}/master.m3u8")
    assert head.cache_control == keys.FINISHED


async def test_segments_are_immutable_objects_and_a_poster_is_made(
    bench: Workbench, streamable: Path
) -> None:
    media_id = await bench.upload(streamable)
    await bench.reached(media_id, "ready")
    one = "SELECT key FROM media_ops.object_lineage WHERE media_id = $1 AND what = 'segment' LIMIT 1"
    head = await bench.store.head(bench.settings.s3.bucket_media, await bench.ask(one, media_id))
    assert head.cache_control == keys.IMMUTABLE
    poster = "SELECT poster_key FROM media_ops.playable WHERE media_id = $1"
    key = await until(lambda: bench.ask(poster, media_id), "a poster")
    head = await bench.store.head(bench.settings.s3.bucket_media, key)
    assert (head.content_type, head.size_bytes > 500) == ("image/jpeg", True)


async def test_what_cannot_be_packaged_as_it_is_after_all_is_encoded(bench: Workbench, spoiled: Path) -> None:
    media_id = await bench.upload(spoiled)
    assert await bench.reached(media_id, "ready", "failed") == "ready"
    modes = """SELECT array_agg(DISTINCT rung ->> 'mode') FROM media_ops.rendition
               WHERE media_id = $1 AND state = 'published'"""
    assert await bench.ask(modes, media_id) == ["encode"]
    await bench.assert_quiet(media_id)


async def test_sound_alone_becomes_a_playable_item_with_its_loudness(
    bench: Workbench, tmp_path: Path
) -> None:
    clip = tmp_path / "sound.flac"
    tone = ("-f", "lavfi", "-i", "sine=frequency=440", "-t", "20")
    command = [tools.ffmpeg(), "-v", "error", *tone, str(clip)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    media_id = await bench.upload(clip)
    await bench.assert_whole(media_id)
    assert -60 < await bench.ask(MEASURED, media_id) < 0


@pytest.mark.parametrize("kind", ["streamable", "other"])
async def test_a_video_has_the_loudness_of_its_sound_copied_or_encoded(
    bench: Workbench, kind: str, request: pytest.FixtureRequest
) -> None:
    media_id = await bench.upload(request.getfixturevalue(kind))
    await bench.reached(media_id, "ready")
    assert -60 < await bench.ask(MEASURED, media_id) < 0


async def test_a_file_that_is_no_media_gets_its_card_a_dead_letter_and_a_replay(
    bench: Workbench, tmp_path: Path
) -> None:
    clip = tmp_path / "words.mp4"
    clip.write_text("this is not a film\n" * 100)
    media_id = await bench.upload(clip)
    await bench.reached(media_id, "failed")
    card = await bench.ask("SELECT failure FROM media_ops.media_state WHERE media_id = $1", media_id)
    assert card["code"] == "not_media"
    assert card["action"]
    letter = await _dead_letter(bench, media_id)
    assert (letter.kind, letter.failure.code) == ("inspect", "not_media")
    listed = bench.stack.run("jobs", "dead")
    assert str(letter.job_id) in listed.stdout, listed.stderr
    replayed = bench.stack.run("jobs", "replay", str(letter.job_id))
    assert "1 replayed" in replayed.stdout, replayed.stderr
    await bench.reached(media_id, "failed")


async def test_a_deleted_item_leaves_no_object_in_any_bucket_and_takes_no_other_with_it(
    bench: Workbench, streamable: Path
) -> None:
    sent, kept = [await bench.sent(await asyncio.to_thread(streamable.read_bytes)) for _ in range(2)]
    for one in (sent, kept):
        await one.complete()
        await bench.assert_whole(one.media_id)
        posters = "SELECT count(*) > 0 FROM media_ops.art WHERE media_id = $1"
        await until(partial(bench.ask, posters, one.media_id), "a poster")
    before = {one.media_id: await _objects(bench, one.media_id) for one in (sent, kept)}
    assert [len(found) > 0 for found in before[sent.media_id].values()] == [True, True], "source and media"
    answer = await asyncio.to_thread(sent.person.http.delete, f"/v1/media/{sent.media_id}")
    assert answer.status_code == 204
    purged = """SELECT state = 'done' FROM media_ops.job
                WHERE media_id = $1 AND kind = 'purge' AND chunk = 0"""
    await until(lambda: bench.ask(purged, sent.media_id), "the purge is done")
    assert [*(await _objects(bench, sent.media_id)).values()] == [[], []]
    assert await _objects(bench, kept.media_id) == before[kept.media_id]
    rows = """SELECT (SELECT count(*) FROM media_ops.rendition WHERE media_id = $1)
                   + (SELECT count(*) FROM media_ops.segment WHERE media_id = $1)
                   + (SELECT count(*) FROM media_ops.manifest WHERE media_id = $1)
                   + (SELECT count(*) FROM media_ops.art WHERE media_id = $1)"""
    assert await bench.ask(rows, sent.media_id) == 0


async def _objects(bench: Workbench, media_id: UUID) -> dict[str, list[str]]:
    """The keys of an item by bucket: its source, and what was made of it."""
    s3 = bench.settings.s3
    places = {s3.bucket_source: f"uploads/{media_id}/", s3.bucket_media: keys.prefix(media_id)}
    return {
        bucket: sorted([item.key async for item in bench.store.list(bucket, prefix)])
        for bucket, prefix in places.items()
    }


async def _dead_letter(bench: Workbench, media_id: UUID) -> DeadJob:
    consumer = AIOKafkaConsumer(
        MEDIA_JOBS_DLQ.name, bootstrap_servers=bench.settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    async with consumer:
        async for message in consumer:
            if message.key == str(media_id).encode():
                return msgspec.json.decode(message.value or b"", type=DeadJob)
    raise AssertionError("the consumer ended")
