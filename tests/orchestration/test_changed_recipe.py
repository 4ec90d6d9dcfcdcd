"""A changed recipe on the running stack: real workers make what it changes, and only that; viewers go on.

The stack's own workers are held down meanwhile: they still have the recipe as it was.
"""

from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.handle import StackHandle
from media_ops.remake import BUCKETS
from tests.browser import clips
from tests.orchestration.changed import Changed
from tests.orchestration.viewer import Viewer
from tests.streaming_api.api import Person, await_true
from tests.streaming_api.processes import Running

pytestmark = pytest.mark.stack

CHECK = "remake_plan.digests_match_recipe"

RUNGS = """SELECT name, digest, state, recipe, segments, bytes, published_at FROM media_ops.rendition_lineage
WHERE media_id = $1 ORDER BY name, published_at"""
ENCODED = """SELECT array_agg(rungs) FROM media_ops.job
WHERE media_id = $1 AND kind IN ('copy', 'encode', 'audio') AND created_at > $2"""
ALONE = """SELECT count(*) = 1 FROM media_ops.source_lineage WHERE state <> 'deleted'
AND get_byte(uuid_send(media_id), 15) % $2 = get_byte(uuid_send($1::uuid), 15) % $2"""


async def _fetch(stack: StackHandle, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__MEDIA_OPS"])
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


@pytest.fixture
async def ready(stack: StackHandle, tmp_path: Path) -> tuple[Person, str]:
    """A ready item of some rungs, alone in its bucket, so that nothing else of the stack is made anew."""
    person = Person(stack.urls["api"])
    clip = clips.streamable(tmp_path / "clip.mp4", size="640x360").read_bytes()
    while True:
        media_id = person.uploaded(clip, title="Made anew")
        if (await _fetch(stack, ALONE, UUID(media_id), BUCKETS))[0][0]:
            break

    def done() -> bool:
        return person.http.get(f"/v1/media/{media_id}").json()["status"] == "ready"

    await_true(done, "the item is ready")
    return person, media_id


async def _living(stack: StackHandle, media_id: str) -> dict[str, dict[str, Any]]:
    rows = await _fetch(stack, RUNGS, UUID(media_id))
    return {row["name"]: dict(row) for row in rows if row["state"] != "superseded"}


async def test_real_workers_make_anew_what_a_recipe_changed_and_only_that_while_the_item_plays(
    stack: StackHandle, ready: tuple[Person, str], tmp_path: Path
) -> None:
    person, media_id = ready
    bucket = f"{UUID(media_id).bytes[-1] % BUCKETS:02d}"
    changed = Changed(stack, tmp_path / "changed")
    before = await _living(stack, media_id)
    started = max(row["published_at"] for row in before.values())
    dry = changed.job("plan_remakes", bucket)
    assert dry["checks"][CHECK] is False
    assert dry["made"]["remake_plan"]["by_rung"].endswith("| 240p | 1 |")

    watching = Viewer(person, media_id)
    with stack.held_down("worker-1", "worker-2"), watching:
        worker = ("worker", "--name", "changed-1")
        with Running(stack, "worker", worker, tmp_path / "worker.log", **changed.variables):
            done = changed.job("remake", bucket)
    after = await _living(stack, media_id)

    assert done["checks"]["remakes.whole"] is True
    assert changed.job("plan_remakes", bucket)["checks"][CHECK] is True
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"240p"}
    assert (after["240p"]["recipe"], after["240p"]["segments"]) == ("standard@2", before["240p"]["segments"])
    (jobs,) = await _fetch(stack, ENCODED, UUID(media_id), started)
    assert jobs[0] == [[after["240p"]["digest"]]]
    assert watching.troubles == []
    assert watching.rounds > 0
    assert any(after["240p"]["digest"] in address for address in watching.read(watching.newest()))
    assert any(before["240p"]["digest"] in address for address in watching.read(watching.first))
