"""One trace from a request through outbox, relay and ledger to each span of a worker, on the real stack."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.ids import uuid7
from mcsp.kafka import open_consumer
from tests.media_ops.worker.workbench import Sent, Workbench
from tests.streaming_api.collector import Collector
from tests.streaming_api.processes import Running

pytestmark = pytest.mark.stack

WORKERS = ("worker-1", "worker-2")
REQUEST_SPAN = "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as listening:
        yield listening


@asynccontextmanager
async def _watched(bench: Workbench, collector: Collector, folder: Path, *roles: str) -> AsyncIterator[None]:
    """These processes alone do the stack's work while the block runs; their spans go to the collector."""
    commands = {"worker": ("worker", "--name", "worker"), "relay": ("relay",)}
    async with bench.hold_down(*WORKERS, "relay"):
        running = [
            Running(bench.stack, role, commands[role], folder / role, MCSP_OTLP_ENDPOINT=collector.address)
            for role in roles
        ]
        try:
            for process in running:
                await asyncio.to_thread(process.__enter__)
            yield
        finally:
            for process in running:
                await asyncio.to_thread(process.__exit__, None, None, None)


def _headers(trace_id: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{REQUEST_SPAN}-01"}


async def _completed(sent: Sent, trace_id: str) -> None:
    answer = await asyncio.to_thread(sent.person.complete, sent.begun, sent.parts, **_headers(trace_id))
    assert answer.status_code == 202, answer.text


def _said(span: Span) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


async def test_the_trace_of_a_complete_goes_on_to_the_spans_of_relay_and_worker(
    bench: Workbench, collector: Collector, streamable: Path, tmp_path: Path
) -> None:
    trace_id, sent = uuid7().hex, await bench.sent(await asyncio.to_thread(streamable.read_bytes))
    kinds = ("inspect", "copy", "audio", "encode", "art")
    names = [f"send {MEDIA_JOBS.name}", *(f"worker {kind}" for kind in kinds)]
    async with (
        _watched(bench, collector, tmp_path, "relay", "worker"),
        open_consumer(bench.settings.kafka_bootstrap, [MEDIA_JOBS], group=None, name="tests") as consumer,
    ):
        await _completed(sent, trace_id)
        message = await asyncio.wait_for(_message(consumer, sent), 120)
        spans = await asyncio.to_thread(collector.of_trace, trace_id, *names)
    assert dict(message.headers)["traceparent"].decode().split("-")[1] == trace_id
    found = {(owner, span.name): span for owner, span in spans}
    assert ("relay", names[0]) in found
    inspect = found["worker", "worker inspect"]
    for kind in kinds:
        span = found["worker", f"worker {kind}"]
        said = _said(span)
        assert span.kind == Span.SPAN_KIND_CONSUMER
        assert (said["mcsp.job.kind"], said["mcsp.media.id"]) == (kind, str(sent.media_id))
        assert (said["mcsp.job.attempt"], said["mcsp.job.outcome"]) == (1, "done")
        job = "SELECT kind FROM media_ops.job WHERE job_id = $1::text::uuid AND media_id = $2"
        assert await bench.ask(job, said["mcsp.job.id"], sent.media_id) == kind
        assert kind == "inspect" or span.parent_span_id == inspect.span_id, "planned by the inspect"


async def _message(consumer: Any, sent: Sent) -> Any:
    async for message in consumer:
        if message.key == str(sent.media_id).encode():
            return message
    raise AssertionError("the consumer ended")


async def test_jobs_found_by_polling_and_their_retries_are_in_the_trace_of_their_request(
    bench: Workbench, collector: Collector, tmp_path: Path
) -> None:
    first, second = uuid7().hex, uuid7().hex
    sent = await bench.sent(b"this is not a film\n" * 100, "words.mp4")
    async with _watched(bench, collector, tmp_path, "worker"):  # without a relay nothing wakes a worker
        await _completed(sent, first)
        failed = await asyncio.to_thread(collector.of_trace, first, "worker inspect")
        await bench.reached(sent.media_id, "failed")
        await bench.pool.execute(
            """UPDATE media_ops.job SET last_error = last_error || '{"retryable": true}'
               WHERE media_id = $1""", sent.media_id,
        )  # fmt: skip
        answer = await asyncio.to_thread(
            sent.person.http.post, f"/v1/media/{sent.media_id}/retry", headers=_headers(second)
        )
        assert answer.status_code == 202, answer.text
        again = await asyncio.to_thread(collector.of_trace, second, "worker inspect")
    for spans in (failed, again):
        ((owner, span),) = [(owner, span) for owner, span in spans if span.name == "worker inspect"]
        assert (owner, span.status.code) == ("worker", 2), "an error is one in its span"
        assert (_said(span)["mcsp.job.outcome"], [event.name for event in span.events]) == (
            "dead", ["exception"],
        )  # fmt: skip
