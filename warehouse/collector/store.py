"""What a lane asks of its store. There are two: ``fast`` (ClickHouse) and ``lake`` (Delta bronze)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from warehouse.collector.batch import Batch


class Store(Protocol):
    """Where a lane's rows go; it also says how far it is, so that nothing else has to remember."""

    name: str
    linger_s: float
    """How old a batch may grow before it is put away, in seconds."""
    most_rows: int
    """How large."""

    async def positions(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The next offset to read by partition; those never loaded are left out. Raises UnavailableError."""
        ...

    async def put(self, topic: str, batch: Batch) -> None:
        """Put all of a batch away; the same one again does no harm. Raises UnavailableError."""
        ...

    async def stand(self, topic: str, ends: dict[int, int], up_to: datetime) -> None:
        """These partitions are loaded to their end: whatever was received until ``up_to`` is there.

        Raises UnavailableError.
        """
        ...
