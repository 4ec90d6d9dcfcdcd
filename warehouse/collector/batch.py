"""What a lane has read and not yet put into its store."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from warehouse.collector.messages import Message, PoisonError, read


@dataclass(frozen=True)
class Poison:
    """A record that cannot be loaded, and why."""

    record: ConsumerRecord
    code: str
    reason: str


@dataclass
class Batch:
    """Messages in the order of each partition; ``next`` is the offset after the last one taken."""

    messages: list[Message] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    next: dict[int, int] = field(default_factory=dict)
    rows: int = 0
    began: float = field(default_factory=time.monotonic)

    def take(self, records: Iterable[ConsumerRecord]) -> None:
        """Add records of one partition, those that cannot be read as poison."""
        if not self.next:
            self.began = time.monotonic()
        for record in records:
            try:
                message = read(record)
            except PoisonError as error:
                self.poison.append(Poison(record, error.code, str(error)))
            else:
                self.messages.append(message)
                self.rows += len(message.received.events)
            self.next[record.partition] = record.offset + 1

    def is_due(self, linger_s: float, most_rows: int) -> bool:
        """Whether it is old or large enough to be put away."""
        return bool(self.next) and (self.rows >= most_rows or time.monotonic() - self.began >= linger_s)
