"""The creator's items and receipts in PostgreSQL, the owner in every WHERE."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

# An item without a source never played: its file has not arrived.
_ITEMS = """
SELECT m.media_id, m.title, m.created_at, m.deleted, l.duration_s
FROM content.media_numbers m JOIN media_ops.media_length l USING (media_id)
WHERE m.owner_id = $1 AND ($2::uuid IS NULL OR m.media_id = $2)
ORDER BY m.media_id
"""
_KEEP = """
INSERT INTO creators.receipt (receipt_id, owner_id, content) VALUES ($1, $2, $3)
ON CONFLICT (receipt_id) DO NOTHING
"""
_RECEIPT = "SELECT made_at, content FROM creators.receipt WHERE owner_id = $1 AND receipt_id = $2"


@dataclass(frozen=True)
class Item:
    """An item that may have been played. ``duration_s`` is None while nobody knows it."""

    media_id: UUID
    title: str
    created_at: datetime
    deleted: bool
    duration_s: float | None

    @property
    def length_ms(self) -> int:
        return round((self.duration_s or 0) * 1000)


async def items(pool: asyncpg.Pool, owner_id: UUID, media_id: UUID | None) -> list[Item]:
    """The owner's items, deleted ones too, or the one that is named if it is theirs."""
    return [Item(**row) for row in await pool.fetch(_ITEMS, owner_id, media_id)]


async def keep_receipt(pool: asyncpg.Pool, receipt_id: str, owner_id: UUID, content: msgspec.Struct) -> None:
    """Keep a receipt; one that is there stays as it is."""
    await pool.execute(_KEEP, receipt_id, owner_id, msgspec.to_builtins(content))


async def receipt(pool: asyncpg.Pool, owner_id: UUID, receipt_id: str) -> tuple[datetime, Any] | None:
    """When it was made and what it holds, if it is the owner's."""
    row = await pool.fetchrow(_RECEIPT, owner_id, receipt_id)
    return row and (row["made_at"], row["content"])
