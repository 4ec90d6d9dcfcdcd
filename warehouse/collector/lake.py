"""The store of the slow lane: Delta bronze, exactly once. Poison is set aside on the way (``dead``)."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
from aiokafka import AIOKafkaProducer

from mcsp.settings import LakeSettings
from warehouse.collector import dead
from warehouse.collector.batch import Batch
from warehouse.collector.columns import for_bronze
from warehouse.lake.bronze import Bronze


class Lake:
    """Bronze ``events``; the calls of ``deltalake`` block, so they run in a thread, one at a time."""

    name = "lake"

    def __init__(self, settings: LakeSettings, producer: AIOKafkaProducer) -> None:
        self.linger_s, self.most_rows = settings.commit_s, settings.commit_rows
        self._bronze = Bronze(settings)
        self._producer = producer
        self._alone = asyncio.Lock()

    async def positions(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """See ``Store``."""
        async with self._alone:
            last = await asyncio.to_thread(self._bronze.offsets, topic, list(partitions))
        return {partition: offset + 1 for partition, offset in last.items()}

    async def put(self, topic: str, batch: Batch) -> None:
        """See ``Store``. Poison is set aside first: bronze never says it is past what is nowhere."""
        while batch.poison:
            await dead.set_aside(self._producer, batch.poison[0])
            batch.poison.pop(0)
        rows = await asyncio.to_thread(for_bronze, batch.messages)
        async with self._alone:
            await asyncio.to_thread(self._append, topic, rows, batch.next)

    async def stand(self, topic: str, ends: dict[int, int], up_to: datetime) -> None:
        """Nothing: who asks how far bronze is reads its log."""

    def _append(self, topic: str, rows: pa.Table, following: dict[int, int]) -> None:
        self._bronze.append(topic, rows, {one: offset - 1 for one, offset in following.items()})
