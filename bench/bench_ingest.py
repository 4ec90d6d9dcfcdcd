"""Events acknowledged by Kafka, on one core of the API, in batches as players send them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from bench import load
from bench.cores import apart
from bench.published import published
from bench.registry import Row, Rows, at_least, bench
from bench.stack import Stack

BATCH = 20
CONNECTIONS = 32
REQUESTS = 10_000
SESSIONS = 200


@bench("Ingest of events", needs_stack=True)
def ingest(stack: Stack) -> Rows:
    """`POST /v1/events` with 20 heartbeats of one session each, the API bound to one core, the client to
    another (which Kafka shares with it)."""
    item, api = published(stack.api), stack.handle.service("api").pid
    if api is None:
        raise RuntimeError("the API does not run")
    url, bodies = f"{stack.api}/v1/events", list(_bodies(stack.api, item.media_id))
    with apart(api):
        load.post(url, bodies, good=202, connections=CONNECTIONS, requests=1000)
        busy = load.post(url, bodies, good=202, connections=CONNECTIONS, requests=REQUESTS)
        calm = load.post(url, bodies, good=202, connections=1, requests=500)
    note = f"batches of {BATCH}, {CONNECTIONS} connections, {busy.bad} answers other than 202"
    return [
        Row("events acknowledged, one core", busy.rate * BATCH, "events/s", at_least(20_000), note),
        Row("a batch, p99 at that rate", busy.quantile(0.99) * 1000, "ms"),
        Row("a batch, p50 of one client", calm.quantile(0.5) * 1000, "ms"),
        Row("a batch, p99 of one client", calm.quantile(0.99) * 1000, "ms"),
    ]


def _bodies(api: str, media_id: str) -> Iterator[bytes]:
    """A batch of each of the sessions; sending one again is what a player does after a break."""
    at = datetime.now(UTC).isoformat()
    with httpx.Client() as client:
        for _ in range(SESSIONS):
            playback = client.get(f"{api}/v1/playback/{media_id}").raise_for_status().json()
            about = {"type": "heartbeat", "client_time": at, "media_id": media_id,
                     "session_id": playback["session_id"], "bl": 12_000, "dropped_frames": 0}  # fmt: skip
            events = [
                {
                    **about,
                    "event_id": str(uuid4()),
                    "position_s": 5.0 * n,
                    "watched": [[5.0 * n - 5, 5.0 * n]],
                }
                for n in range(1, BATCH + 1)
            ]
            yield msgspec.json.encode({"sent_at": at, "events": events})
