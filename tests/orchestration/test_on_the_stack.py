"""Dagster on the running stack: after an upload its hour is there, with numbers, links and lineage."""

import asyncio
import io
import math
import time
import wave
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from assets.partitions import hour_of, key_of
from deploy.handle import StackHandle
from tests.streaming_api.api import Person

pytestmark = pytest.mark.stack

WITHIN_S = 240
"""A tick of the sensor every 15 s, and a run's start of some seconds, on a machine that does much else."""

ASSETS = ("sources", "renditions", "packages")

EXAMPLES = 20

MADE = """query ($key: AssetKeyInput!, $partition: String!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(partitions: [$partition]) { runId metadataEntries { label
    ... on IntMetadataEntry { intValue } ... on MarkdownMetadataEntry { mdStr }
    ... on BoolMetadataEntry { boolValue } ... on UrlMetadataEntry { url } } } } } }"""

LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""

RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def _tone() -> bytes:
    """Two seconds of a tone as WAV."""
    rate = 8000
    samples = b"".join(
        int(9000 * math.sin(2 * math.pi * 440 * n / rate)).to_bytes(2, "little", signed=True)
        for n in range(2 * rate)
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    return out.getvalue()


def _until(look: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return found


def _ask(stack: StackHandle, query: str, **variables: object) -> dict[str, Any]:
    url = f"{stack.urls['dagster'].rstrip('/')}/graphql"
    answer = httpx.post(url, json={"query": query, "variables": variables}, timeout=60).raise_for_status()
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def _made(stack: StackHandle, asset: str, partition: str) -> list[dict[str, Any]]:
    """Metadata of an hour's materialisations, the newest first, ``run`` being the run or ""."""
    found = _ask(stack, MADE, key={"path": [asset]}, partition=partition)["assetOrError"]
    return [
        {"run": made["runId"]}
        | {
            entry["label"]: next((value for name, value in entry.items() if name != "label"), None)
            for entry in made["metadataEntries"]
        }
        for made in found.get("assetMaterializations", [])
    ]


@pytest.fixture(scope="module")
def uploaded(stack: StackHandle) -> tuple[str, str]:
    """An item that is ready, and the partition of its hour."""
    person = Person(stack.urls["api"])
    media_id = person.uploaded(_tone(), title="Tone")

    def ready() -> bool:
        item = person.http.get(f"/v1/media/{media_id}").raise_for_status().json()
        assert item["status"] not in ("failed", "rejected"), item
        return item["status"] == "ready"

    _until(ready, "the item is not ready")
    # Of this moment and not of the upload's: a UUIDv7 carries the moment at which it was made.
    made_at = datetime.fromtimestamp((int(media_id.replace("-", ""), 16) >> 80) / 1000).astimezone()
    return media_id, key_of(hour_of(made_at))


async def _kept(stack: StackHandle, media_id: str, asset: str) -> bool:
    """Whether a materialisation of the asset wrote this item's lineage."""
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__PIPELINES"])
    try:
        ask = "SELECT EXISTS (SELECT FROM media_ops.item_lineage WHERE media_id = $1 AND asset = $2)"
        return bool(await connection.fetchval(ask, media_id, asset))
    finally:
        await connection.close()


def _among_examples(made: dict[str, Any], media_id: str) -> bool:
    """An hour shows twenty of its items at most, failed ones first: a fuller one may leave ours out."""
    return made["items"] > EXAMPLES or f"/watch/{media_id}" in made["examples"]


@pytest.mark.parametrize("asset", ASSETS)
async def test_an_upload_shows_in_its_hour_without_a_run(
    stack: StackHandle, uploaded: tuple[str, str], asset: str
) -> None:
    media_id, partition = uploaded
    deadline = time.monotonic() + WITHIN_S
    while not await _kept(stack, media_id, asset):
        assert time.monotonic() < deadline, f"{asset} {partition} does not hold {media_id}"
        await asyncio.sleep(0.5)

    def shown() -> dict[str, Any] | None:
        """The newest materialisation without a run, once it tells of the item: rows come before the event."""
        made = [one for one in _made(stack, asset, partition) if one["run"] in ("", None)]
        return made[0] if made and _among_examples(made[0], media_id) else None

    found = _until(shown, f"{asset} {partition} does not show {media_id}")
    assert found["items"] >= 1
    assert found["studio"].endswith("/studio")


async def test_the_lineage_of_the_upload_is_kept(stack: StackHandle, uploaded: tuple[str, str]) -> None:
    media_id, partition = uploaded
    _until(lambda: _made(stack, "packages", partition), "no materialisation of packages")
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__PIPELINES"])
    try:
        rows = await connection.fetch(
            "SELECT asset, output, inputs FROM media_ops.item_lineage WHERE media_id = $1", media_id
        )
    finally:
        await connection.close()
    by_asset = {asset: [row for row in rows if row["asset"] == asset] for asset in ("sources", "renditions")}
    (source,) = by_asset["sources"]
    assert by_asset["renditions"]
    assert {row["inputs"][0] for row in by_asset["renditions"]} == {source["output"]}


FRESH = """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionKeys freshnessStatusInfo { freshnessStatus } } } }"""


def test_dagster_says_that_what_was_just_made_is_fresh(stack: StackHandle, uploaded: tuple[str, str]) -> None:
    _until(lambda: _made(stack, "sources", uploaded[1]), "no materialisation of sources")

    def fresh() -> bool:
        node = _ask(stack, FRESH, key={"path": ["sources"]})["assetNodeOrError"]
        return node["freshnessStatusInfo"]["freshnessStatus"] == "HEALTHY"

    _until(fresh, "the daemon does not judge freshness")


async def test_partitions_begin_with_the_hour_in_which_the_stack_was_made_also_after_a_restart(
    stack: StackHandle,
) -> None:
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__ADMIN_CONTENT"])
    try:
        made = await connection.fetchval(
            "SELECT min(applied_at) FROM public.migration WHERE owner = 'media_ops'"
        )
    finally:
        await connection.close()
    await asyncio.to_thread(stack.kill_and_wait, "dagster-code")
    await asyncio.to_thread(stack.wait_ready)

    def first() -> str | None:
        node = _ask(stack, FRESH, key={"path": ["sources"]})["assetNodeOrError"]
        return node.get("partitionKeys", [None])[0]

    assert _until(first, "the code server is back") == key_of(hour_of(made))


async def _jobs(stack: StackHandle, media_id: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__MEDIA_OPS"])
    try:
        rows = await connection.fetch(
            "SELECT job_id, state, started_at FROM media_ops.job WHERE media_id = $1 ORDER BY 1", media_id
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def test_materialising_the_hour_by_hand_leaves_a_ready_item_alone(
    stack: StackHandle, uploaded: tuple[str, str]
) -> None:
    media_id, partition = uploaded
    before = await _jobs(stack, media_id)
    params = {
        "selector": {
            "repositoryLocationName": "mcsp",
            "repositoryName": "__repository__",
            "jobName": "make_hour_whole",
        },
        "runConfigData": {
            "ops": {name: {"config": {"wait_s": 60}} for name in ("sources", "renditions", "packages")}
        },
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
    }
    launched = _ask(stack, LAUNCH, params=params)["launchRun"]
    run = launched["run"]["runId"]

    def over() -> str | None:
        status = _ask(stack, RUN, id=run)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert _until(over, "the run does not end") == "SUCCESS"
    (made,) = [one for one in _made(stack, "packages", partition) if one["run"] == run]
    assert _among_examples(made, media_id)
    assert await _jobs(stack, media_id) == before
