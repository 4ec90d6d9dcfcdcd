"""Wakes from Kafka: each message on ``media.jobs`` makes this worker look into the ledger at once.

The message itself is never believed: leases decide. Every worker reads every wake for itself (no consumer
group): a group would hand a wake to one worker, which may have no free place, while another idles until its
next poll; and a group's rebalance after a kill would hold wakes back for seconds. A wake costs one query.
"""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError

from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.errors import UnavailableError
from mcsp.kafka import open_consumer
from mcsp.process import until

log = structlog.get_logger()

BACKOFF_S, BACKOFF_MAX_S = 0.5, 5.0


async def listen(bootstrap: str, name: str, wake: Callable[[], None], stop: asyncio.Event) -> None:
    """Call ``wake`` for each batch of messages until ``stop`` is set; without Kafka, try again for ever."""
    pause = BACKOFF_S
    while not stop.is_set():
        try:
            async with open_consumer(bootstrap, [MEDIA_JOBS], group=None, name=name) as consumer:
                log.info("listening for wakes")
                wake()
                while not stop.is_set():
                    if await consumer.getmany(timeout_ms=500):
                        wake()
                    pause = BACKOFF_S
        except (UnavailableError, KafkaError, OSError) as error:
            log.warning("no wakes from Kafka; polling goes on", error=str(error), again_in_s=pause)
            await until(stop, pause)
            pause = min(pause * 2, BACKOFF_MAX_S)
