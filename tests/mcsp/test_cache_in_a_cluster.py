"""Promises of the cache on a Redis Cluster: it finds the node of each key, also after a slot moved."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from mcsp.cache import Cache, CacheDownError
from mcsp.errors import RateLimitedError
from mcsp.resources import open_resources
from mcsp.settings import Settings
from streaming_api.frame.rate_limit import RateLimit
from tests.mcsp.valkey_cluster import Cluster, running_cluster

NAMES = [f"tests:{{{number}}}" for number in range(40)]


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def cluster(two_nodes: Cluster) -> Cluster:
    """A cluster that holds nothing."""
    two_nodes.clear()
    return two_nodes


@pytest.fixture
async def cache(cluster: Cluster) -> AsyncIterator[Cache]:
    """The cache as a process opens it that was told one node alone."""
    options = Settings(valkey_url=cluster.nodes[0].url, valkey_cluster=True)
    async with open_resources("tests", options) as resources:
        yield resources.cache


async def test_each_key_is_kept_by_the_node_of_its_slot(cluster: Cluster, cache: Cache) -> None:
    for name in NAMES:
        await cache.put(name, name, 60)
    assert [await cache.get(name, str) for name in NAMES] == NAMES
    for number, held in enumerate(cluster.keys()):
        assert held == {name for name in NAMES if cluster.holder(name) == number}
        assert held
    await cache.check()
    for name in NAMES:
        await cache.delete(name)
    assert cluster.keys() == [set(), set()]


async def test_a_slot_that_moves_to_another_node_is_followed(cluster: Cluster, cache: Cache) -> None:
    name = next(name for name in NAMES if cluster.holder(name) == 0)
    assert await cache.get(name, str) is None
    cluster.move(name, to=1)
    await cache.put(name, "moved", 60)
    assert await cache.get(name, str) == "moved"
    assert cluster.keys() == [set(), {name}]


async def test_rate_limits_count_on_whichever_node_has_the_address(cluster: Cluster, cache: Cache) -> None:
    before, limit = _fallbacks(), RateLimit(cache, "tests", 3)
    addresses = [f"192.0.2.{number}" for number in range(12)]
    for address in addresses:
        for _ in range(3):
            await limit.take(address)
        with pytest.raises(RateLimitedError):
            await limit.take(address)
    assert all(cluster.keys()), "both nodes count"
    assert _fallbacks() == before, "no limit was counted by the process itself"


async def test_a_client_that_expects_one_server_is_no_client_of_a_cluster(cluster: Cluster) -> None:
    alone = Cache(cluster.nodes[0].url, name="tests")
    with pytest.raises(CacheDownError, match="does not answer"):
        await alone.get(next(name for name in NAMES if cluster.holder(name) == 1), str)
    await alone.close()


async def test_a_cluster_that_is_away_says_so(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as dying:
        knows, stranger = (Cache(dying.nodes[0].url, name="tests", cluster=True) for _ in range(2))
        await knows.put(NAMES[0], "here", 60)
    for cache in (knows, stranger):
        with pytest.raises(CacheDownError, match="does not answer"):
            await cache.get(NAMES[0], str)
        with pytest.raises(CacheDownError, match="a moment ago"):
            await cache.get(NAMES[0], str)
        with pytest.raises(CacheDownError, match="does not answer"):
            await cache.check()
        await cache.close()


def _fallbacks() -> float:
    return REGISTRY.get_sample_value("mcsp_cache_fallback_total") or 0.0
