"""An item that plays, and a session of somebody who plays it."""

from uuid import UUID

import httpx
import pytest

from mcsp.settings import Settings
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.seed import Seeds


@pytest.fixture
def kafka(options: Settings) -> str:
    return options.kafka_bootstrap


@pytest.fixture
async def item(ann: Person, seeds: Seeds) -> UUID:
    """A public item that plays."""
    return await seeds.playing(ann.user_id)


@pytest.fixture
def session(api: ApiProcess, item: UUID) -> str:
    """A session that a stranger was given."""
    return httpx.get(f"{api.url}/v1/playback/{item}").raise_for_status().json()["session_id"]
