"""Receipts: what an answer was made of, kept under the digest of just that. Equal answers share one.

What does not belong here: recomputing from the lake, which needs sealed tables.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from mcsp.errors import NotFoundError
from streaming_api.creators import repository
from streaming_api.creators.repository import Item
from streaming_api.creators.schemas import Inputs, MetricsRow, Receipt, ReceiptItem, ReceiptQuery
from streaming_api.creators.state import Creators
from warehouse.views.progress import Progress
from warehouse.views.rule import CURRENT, WORDS
from warehouse.views.sql import TOPIC


class _Kept(msgspec.Struct, frozen=True):
    """What a row of the table holds."""

    inputs: Inputs
    answer_sha256: str
    complete_until: datetime | None


async def keep(
    pool: asyncpg.Pool,
    owner_id: UUID,
    query: ReceiptQuery,
    items: Sequence[Item],
    progress: Progress,
    rows: Sequence[MetricsRow],
) -> str:
    """Keep the receipt of an answer; gives its id."""
    inputs = Inputs(
        owner_id=owner_id,
        query=query,
        rule_version=CURRENT.version,
        topic=TOPIC,
        offsets=list(progress.next_offsets),
        items=[ReceiptItem(item.media_id, item.length_ms) for item in items],
    )
    receipt_id = _digest(inputs)
    await repository.keep_receipt(
        pool, receipt_id, owner_id, _Kept(inputs, _digest(rows), progress.complete_until)
    )
    return receipt_id


async def show(creators: Creators, owner_id: UUID, receipt_id: str) -> Receipt:
    """The receipt. Raises NotFoundError for one that is not there or another's."""
    found = await repository.receipt(creators.pool, owner_id, receipt_id)
    if found is None:
        raise NotFoundError(
            "receipt_not_found",
            "There is no such receipt, or it is not yours.",
            action="Ask for the numbers again; the answer names its receipt.",
        )
    made_at, kept = found[0], msgspec.convert(found[1], _Kept)
    return Receipt(
        receipt_id=receipt_id,
        made_at=made_at,
        inputs=kept.inputs,
        rule=list(WORDS[kept.inputs.rule_version]),
        answer_sha256=kept.answer_sha256,
        complete_until=kept.complete_until,
        sealed=False,
    )


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()
