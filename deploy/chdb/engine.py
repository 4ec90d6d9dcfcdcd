"""The engine: one data folder, a few connections for each kind of work, so that no kind waits for another.

A connection runs one statement at a time. Readers' connections are read-only in the engine itself
(``readonly = 1``: no writes, no settings, no files, no addresses), whatever a statement says.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import quote

from deploy.chdb.statements import Definition, Insert, Query, Statement
from deploy.chdb.users import Right

# chDB imports these where they are installed, for results that nobody asks it for here: 50 MB, 0.2 s.
for _unused in ("pyarrow", "pandas", "numpy"):
    sys.modules.setdefault(_unused, None)  # type: ignore[arg-type] -- None is how Python bars a module

import chdb  # noqa: E402 -- after the lines above

READERS, WRITERS = 4, 2
WAIT_S = 20.0
"""How long a request waits for a connection of its kind."""

_SERVER = {
    "mark_cache_size": 64 << 20,
    "index_mark_cache_size": 16 << 20,
    "primary_index_cache_size": 64 << 20,
    "query_condition_cache_size": 16 << 20,
    "compiled_expression_cache_size": 32 << 20,
}
"""A laptop's share of memory, in bytes; ClickHouse's own defaults are made for a machine of its own."""

_READING = ("max_execution_time=30", "max_memory_usage=1500000000", "max_threads=2", "readonly=1")
_WRITING = ("max_execution_time=120", "max_memory_usage=2000000000", "max_partitions_per_insert_block=0")


class EngineError(Exception):
    """The engine refused a statement; ``code`` is ClickHouse's own error number."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        code = message.partition("Code: ")[2].partition(".")[0]
        self.code = int(code) if code.isdigit() else 1000


class Engine:
    """The opened folder. Statements run in the caller's thread."""

    def __init__(self, folder: Path) -> None:
        self._address = f"{folder}?" + "&".join(f"{name}={quote(str(v))}" for name, v in _SERVER.items())
        self._readers = self._pool(READERS, _READING)
        self._writers = self._pool(WRITERS, _WRITING)
        self._definers = self._pool(1, ())

    def _pool(self, size: int, settings: tuple[str, ...]) -> "LifoQueue[Any]":
        pool: LifoQueue[Any] = LifoQueue()
        for _ in range(size):
            connection = chdb.connect(self._address)
            for setting in settings:
                connection.query(f"SET {setting}")
            pool.put(connection)
        return pool

    def run(self, statement: Statement, right: Right, parameters: Mapping[str, str]) -> bytes:
        """The answer in the statement's format. Raises EngineError, also for what ``right`` forbids."""
        match statement:
            case Query():
                readers = self._definers if right is Right.DEFINE else self._readers
                return self._ask(readers, statement.sql, statement.format, parameters)
            case Insert() if right is not Right.READ:
                return self._insert(statement)
            case Definition() if right is Right.DEFINE:
                return self._ask(self._definers, statement.sql, statement.format, parameters)
        raise EngineError(
            "Code: 497. DB::Exception: Not enough privileges for this statement. (ACCESS_DENIED)"
        )

    def _ask(self, pool: "LifoQueue[Any]", sql: str, format_: str, parameters: Mapping[str, str]) -> bytes:
        with self._borrowed(pool) as connection:
            return connection.query(sql, format_, params=dict(parameters)).bytes()

    def _insert(self, insert: Insert) -> bytes:
        with (
            self._borrowed(self._writers) as connection,
            connection.send_insert(insert.into, insert.format) as writing,
        ):
            writing.append(insert.data)
            writing.finish()
        return b""

    @contextmanager
    def _borrowed(self, pool: "LifoQueue[Any]") -> Iterator[Any]:
        try:
            connection = pool.get(timeout=WAIT_S)
        except Empty:
            raise EngineError("Code: 202. DB::Exception: Too many simultaneous queries.") from None
        try:
            yield connection
        except RuntimeError as error:  # chDB's own, of queries and inserts alike
            raise EngineError(str(error)) from error
        finally:
            pool.put(connection)

    def close(self) -> None:
        """Close every connection; the engine writes down what it keeps in memory."""
        for pool in (self._readers, self._writers, self._definers):
            while not pool.empty():
                pool.get().close()
