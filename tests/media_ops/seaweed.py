"""A SeaweedFS server for the media room's tests alone, as the stack runs it, with its buckets.

What does not belong here: the whole stack (fixture ``stack`` of ``tests/conftest.py``); this server is up in
three seconds.
"""

import asyncio
import ctypes
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.context import Context
from deploy.handle import free_port_base
from deploy.s3_request import request
from deploy.services import s3
from deploy.supervisor.service import NotReadyError, Probe, Service
from mcsp.settings import S3Settings, Settings

PR_SET_PDEATHSIG = 1
LIMIT_S = 60


@asynccontextmanager
async def seaweed() -> AsyncIterator[S3Settings]:
    """The address and key of a server that runs while the block does."""
    with tempfile.TemporaryDirectory(prefix="mcsp-s3-") as home:
        context = Context.of(Settings(home=Path(home), port_base=free_port_base()))
        context.layout.sockets.mkdir(parents=True, exist_ok=True)
        service = s3.service(context)
        if service.prepare is not None:
            await service.prepare(_nothing_to_run)
        process = _start(service, Path(home) / "log")
        try:
            await _ready(service.ready)
            admin = s3.identity(context, "admin")
            await request(s3.endpoint(context), admin, "PUT", f"/{s3.MEDIA}", accept=(200, 409))
            yield S3Settings(
                endpoint=s3.endpoint(context),
                access_key=admin.access_key,
                secret_key=SecretStr(admin.secret_key),
            )
        finally:
            process.kill()
            process.wait()
            s3.remove_sockets(context)


def _start(service: Service, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        service.command, env=dict(service.environment), preexec_fn=_die_with_us,
        stdout=subprocess.DEVNULL, stderr=log.open("wb"),
    )  # fmt: skip


async def _nothing_to_run(
    command: tuple[str, ...], environment: Mapping[str, str], *, named_user: bool = False
) -> None:
    raise AssertionError(f"the store's preparation ran {command}")


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def _ready(probe: Probe) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                return await probe()
            except NotReadyError:
                await asyncio.sleep(0.1)
