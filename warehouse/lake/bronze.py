"""Bronze ``events``: a row an event, its payload as received, by the date and hour of its arrival.

Appended exactly once: a commit carries, for each partition of Kafka it has rows of, an app transaction
(collector, topic, partition) with the last offset. Two commits at once for the same partition: the second is
refused, reads again and leaves out what is there. What does not belong here: Kafka.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from mcsp.errors import UnavailableError
from mcsp.settings import LakeSettings
from warehouse.lake import storage

_INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("received_at", _INSTANT, nullable=False),
        pa.field("received_by", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("client_time", _INSTANT, nullable=False),
        pa.field("time", _INSTANT, nullable=False),
        pa.field("media_id", pa.string(), nullable=False),
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("viewer", pa.string(), nullable=False),
        pa.field("started_at", _INSTANT),
        pa.field("country", pa.string()),
        pa.field("network", pa.string()),
        pa.field("device", pa.string(), nullable=False),
        pa.field("agent", pa.string()),
        pa.field("source", pa.string()),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("received_date", pa.date32(), nullable=False),
        pa.field("received_hour", pa.int32(), nullable=False),
    ]
)
"""Instants are UTC-aware microseconds (a naive one would raise the table's protocol), ids lower-case text."""

PARTITIONS = ["received_date", "received_hour"]
_ATTEMPTS = 5


def application(topic: str, partition: int) -> str:
    """The id of the app transaction that says how far a partition of Kafka is in the table."""
    return f"collector:{topic}:{partition}"


class Bronze:
    """The table, opened when it is first needed. Calls block; one at a time."""

    def __init__(self, lake: LakeSettings) -> None:
        self._address = storage.address(lake, "bronze", "events")
        self._options = storage.options(lake)
        self._opened: DeltaTable | None = None

    def offsets(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The last offset in the table by partition; those without one are left out.

        Raises UnavailableError when the store does not answer.
        """
        table = self._newest()
        found = {one: table.transaction_version(application(topic, one)) for one in partitions}
        return {partition: offset for partition, offset in found.items() if offset is not None}

    def append(self, topic: str, rows: pa.Table, last: dict[int, int]) -> int:
        """Append the rows of ``topic`` that are not there yet; ``last`` is the last offset by partition.

        Gives the number of rows written: 0 where another writer was first with all of them. Whether an
        earlier attempt that failed came through after all is read from the table, never guessed. Raises
        UnavailableError when the store does not answer.
        """
        for _ in range(_ATTEMPTS):
            known = self.offsets(topic, last)
            new = _beyond(rows, known)
            if new.num_rows == 0:
                return 0
            ahead = {one: offset for one, offset in last.items() if offset > known.get(one, -1)}
            try:
                self._commit(topic, new, ahead)
            except CommitFailedError:
                continue  # somebody else moved on one of these partitions: look what is there now
            return new.num_rows
        raise UnavailableError("lake_contended", f"Others were first {_ATTEMPTS} times in a row")

    def _commit(self, topic: str, rows: pa.Table, ahead: dict[int, int]) -> None:
        said = [Transaction(application(topic, one), offset) for one, offset in ahead.items()]
        try:
            write_deltalake(
                self._newest(refresh=False),
                rows,
                mode="append",
                commit_properties=CommitProperties(app_transactions=said),
            )
        except CommitFailedError:
            raise
        except (DeltaError, OSError) as error:
            self._opened = None
            raise UnavailableError("lake_down", f"The lake takes no commit: {error}") from error

    def _newest(self, *, refresh: bool = True) -> DeltaTable:
        """The table as it is now; without ``refresh`` as it was when it was last read: what a commit is
        checked against."""
        try:
            if self._opened is None:
                self._opened = self._open()
            elif refresh:
                self._opened.update_incremental()
        except (DeltaError, OSError) as error:
            self._opened = None
            raise UnavailableError("lake_down", f"The lake does not answer: {error}") from error
        return self._opened

    def _open(self) -> DeltaTable:
        try:
            return DeltaTable(self._address, storage_options=self._options)
        except TableNotFoundError:
            return DeltaTable.create(
                self._address,
                SCHEMA,
                mode="ignore",
                partition_by=PARTITIONS,
                storage_options=self._options,
                name="events",
                description="Events as they were received",
            )


def _beyond(rows: pa.Table, known: dict[int, int]) -> pa.Table:
    """The rows whose offset is larger than what is known of their partition."""
    for partition, offset in known.items():
        rows = rows.filter(~((pc.field("partition") == partition) & (pc.field("offset") <= offset)))
    return rows
