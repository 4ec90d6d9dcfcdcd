"""Promises of failure cards: whatever ends for good says in plain words what happened and what to do."""

import ast
import re
from pathlib import Path

import pytest

import mcsp
import media_ops
from media_ops.failures import CARDS, GIVEN_UP, card_of
from media_ops.ledger import endings
from media_ops.ledger.endings import ATTEMPTS, JobError
from tests.media_ops.items import HIGH, TRANSIENT, Item, new_item, two_step_plan

RAISERS = {"transient", "bad_media", "unavailable", "JobError", "NotFoundError", "InvalidInputError"}
FOREIGN = re.compile(r"https?:|://|\d+\.\d+\.\d+|media/|uploads/|\.m4s|status -?\d|exit|SIG[A-Z]+|%s|[{}]")
"""What belongs into a log: addresses, keys, exit codes, signals, unfilled places."""


def _codes(path: Path) -> set[str]:
    """First arguments of the calls of a file that make errors."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    firsts = [c.args[0] for c in calls if c.args and getattr(c.func, "id", "") in RAISERS]
    return {str(first.value) for first in firsts if isinstance(first, ast.Constant)}


def test_every_error_of_media_work_has_a_card() -> None:
    files = [*Path(media_ops.__path__[0]).rglob("*.py"), Path(mcsp.__path__[0]) / "s3_errors.py"]
    codes = set[str]().union(*(_codes(path) for path in files))
    assert {"source_unreadable", "limit_time", "store_refused", "worker_lost", "not_media"} <= codes
    assert codes - CARDS.keys() - GIVEN_UP.keys() == set()


@pytest.mark.parametrize("code", [*CARDS, *GIVEN_UP, "never heard of"])
def test_a_card_has_plain_words_and_a_next_step(code: str) -> None:
    card = card_of(code)
    assert card.code in CARDS or card.code in GIVEN_UP
    for words in (card.message, card.action):
        assert len(words) > 10
        assert words.endswith(".")
        assert not FOREIGN.search(words)
        assert "tried again" not in words


async def _cards(item: Item) -> list[dict[str, str]]:
    rows = await item.pool.fetch(
        """SELECT failure FROM media_ops.media_state WHERE media_id = $1 AND failure IS NOT NULL
           UNION ALL SELECT failure FROM media_ops.rendition WHERE media_id = $1 AND failure IS NOT NULL""",
        item.media_id,
    )
    return [row["failure"] for row in rows]


async def _die(item: Item, slot: str, error: JobError) -> None:
    for _ in range(ATTEMPTS):
        await endings.fail(item.pool, await item.taken(slot), error)
        await item.make_due()


async def test_what_was_tried_five_times_is_not_said_to_be_tried_again(pool) -> None:
    """Neither an inspect's card nor a rung's, and no key or address of the error stands on it."""
    unread, half = await new_item(pool), await new_item(pool)
    await _die(unread, "quick", TRANSIENT)
    await half.planned(two_step_plan(rest=(HIGH,)))
    await _die(half, "encode", JobError("odd", "https://10.1.2.3/x exit 187", "", True))
    message, action = GIVEN_UP["store_down"]
    said = {"message": message, "action": action, "retryable": True}
    assert await _cards(unread) == [{"code": "store_down", **said}]
    message, action = GIVEN_UP["internal_error"]
    said = {"message": message, "action": action, "retryable": True}
    assert await _cards(half) == [{"code": "internal_error", **said}]
    errors = await pool.fetch("SELECT last_error FROM media_ops.job WHERE state = 'dead'")
    assert {row["last_error"]["action"] for row in errors} == {action}
    assert {row["last_error"]["code"] for row in errors} == {"store_down", "odd"}
