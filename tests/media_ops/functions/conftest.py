"""Sources made by ffmpeg and a store that serves them by ranges."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.media_ops.functions.clips import Clips
from tests.media_ops.functions.server import Store, open_store


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
async def store(clips: Clips) -> AsyncIterator[Store]:
    async with open_store(clips.folder) as opened:
        yield opened


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path
