"""Promises of the cache: what it keeps, and how it says that it is away."""

import msgspec
import pytest

from mcsp.cache import Cache, CacheDownError
from mcsp.ids import uuid7
from mcsp.resources import Resources


class Kept(msgspec.Struct, frozen=True):
    name: str


class Other(msgspec.Struct, frozen=True):
    size: int


async def test_a_value_comes_back_in_its_shape(resources: Resources) -> None:
    key = f"tests:{uuid7()}"
    await resources.cache.put(key, Kept("a"), 60)
    assert await resources.cache.get(key, Kept) == Kept("a")


async def test_a_value_of_another_shape_counts_as_missing(resources: Resources) -> None:
    key = f"tests:{uuid7()}"
    await resources.cache.put(key, Kept("a"), 60)
    assert await resources.cache.get(key, Other) is None


async def test_only_new_leaves_what_is_there(resources: Resources) -> None:
    key = f"tests:{uuid7()}"
    await resources.cache.put(key, Kept("first"), 60)
    await resources.cache.put(key, Kept("second"), 60, only_new=True)
    assert await resources.cache.get(key, Kept) == Kept("first")


async def test_a_cache_that_is_away_says_so_and_is_not_asked_again_at_once() -> None:
    away = Cache("redis://127.0.0.1:9/0", name="tests")
    with pytest.raises(CacheDownError, match="does not answer"):
        await away.get("x", Kept)
    with pytest.raises(CacheDownError, match="a moment ago"):
        await away.get("x", Kept)
