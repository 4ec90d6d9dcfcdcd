"""Plays written as rows of ``events``, in a partition of the tests' own: nothing of the collector's moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient

from streaming_api.play_sessions import SessionKeys

PARTITION = 9
READ_UP_TO = 1_000_000_000
LATE = datetime(2100, 1, 1, tzinfo=UTC)
COLUMNS = (
    "topic", "partition", "offset", "index", "received_at", "received_by", "event_id", "type", "version",
    "client_time", "time", "media_id", "session_id", "viewer", "started_at", "country", "network", "device",
    "agent", "source", "position_s", "watched", "rate", "payload",
)  # fmt: skip


@asynccontextmanager
async def open_plays(clickhouse_url: str, play_session_key: str) -> AsyncIterator["Plays"]:
    """Plays in the ClickHouse at an address, with pseudonyms made by this key."""
    client = await clickhouse_connect.get_async_client(dsn=clickhouse_url, autogenerate_session_id=False)
    try:
        plays = Plays(client, SessionKeys(play_session_key))
        await plays.begin()
        yield plays
    finally:
        await client.close()


@dataclass(frozen=True)
class Plays:
    """Writes plays. ``keys`` make pseudonyms as playback does."""

    client: AsyncClient
    keys: SessionKeys
    _offsets = count(1)

    async def begin(self) -> None:
        """The tests' partition is loaded for good, so that it holds nothing back."""
        await self.client.insert(
            "progress", [["events.raw", PARTITION, READ_UP_TO, LATE]], database="mcsp",
            column_names=["topic", "partition", "next_offset", "up_to"],
        )  # fmt: skip

    async def add(
        self, media_id: UUID, *, started: datetime, watched: tuple[tuple[float, float], ...] = ((0, 40),),
        viewer: UUID | None = None, device: str = "desktop", kind: str = "heartbeat", offset: int = 0,
        session: str = "", after_s: float = 45, told_s: float = 0,
    ) -> str:  # fmt: skip
        """One event of a play; gives its session. ``viewer``: a person's id, else somebody unknown.
        ``told_s``: how far the player's clock is from ours."""
        session = session or uuid4().hex
        at = started + timedelta(seconds=after_s)
        who = self.keys.viewer(viewer).hex() if viewer else session
        told = at + timedelta(seconds=told_s)
        row = [
            "events.raw", PARTITION, offset or next(self._offsets), 0, at, "tests", uuid4(), kind, 1,
            told, told, media_id, session, who, started, "", "", device, "", "", 0.0,
            list(watched), 1.0, "{}",
        ]  # fmt: skip
        await self.client.insert("events", [row], database="mcsp", column_names=COLUMNS)
        return session
