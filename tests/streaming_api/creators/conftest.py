"""Fixtures of the numbers' tests: rows of events in the stack's ClickHouse, a creator of a test's own."""

from collections.abc import AsyncIterator

import pytest

from mcsp.settings import Settings
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.creators.plays import Plays, open_plays


@pytest.fixture(scope="session")
async def plays(options: Settings) -> AsyncIterator[Plays]:
    async with open_plays(options.clickhouse_url, options.play_session_key.get_secret_value()) as opened:
        yield opened


@pytest.fixture
def creator(api: ApiProcess) -> Person:
    return Person(api.url)
