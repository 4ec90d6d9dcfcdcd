"""Clips and the workbench for tests of faults."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.handle import StackHandle
from mcsp.database.pool import open_pool
from mcsp.s3 import open_store
from mcsp.settings import Settings
from media_ops import tools
from tests.media_ops.functions.clips import spoil_sound
from tests.media_ops.worker.workbench import Workbench

SIZE = "426x240"
STREAMABLE = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac")
OTHER = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-b:v", "300k", "-c:a", "libopus")


def _clip(path: Path, seconds: int, codecs: tuple[str, ...]) -> Path:
    picture, sound = f"testsrc2=size={SIZE}:rate=15", "sine=frequency=440"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-t", str(seconds), "-ac", "2")
    subprocess.run([tools.ffmpeg(), "-v", "error", "-y", *inputs, *codecs, str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def streamable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute that is packaged as it is."""
    return _clip(tmp_path_factory.mktemp("clips") / "streamable.mp4", 60, STREAMABLE)


@pytest.fixture(scope="session")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute that looks streamable, but that ffmpeg refuses to package as it is."""
    path = _clip(tmp_path_factory.mktemp("clips") / "spoiled.mp4", 60, STREAMABLE)
    spoil_sound(path)
    return path


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute that has to be encoded."""
    return _clip(tmp_path_factory.mktemp("clips") / "other.webm", 60, OTHER)


@pytest.fixture(scope="session")
def settings_of_stack(stack: StackHandle) -> Settings:
    variables = {name: value for name, value in stack.env("tests").items() if name.startswith("MCSP_")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return Settings()


@pytest.fixture(scope="session")
async def bench(stack: StackHandle, settings_of_stack: Settings) -> AsyncIterator[Workbench]:
    pool = await open_pool(settings_of_stack.dsn_of("media_ops"), name="faults", max_size=4)
    async with open_store(settings_of_stack.s3) as store:
        yield Workbench(stack, settings_of_stack, store, pool)
    await pool.close()
