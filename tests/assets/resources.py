"""The resources of the assets in tests: a ledger in a real PostgreSQL, the stack's store, addresses of pages.

What does not belong here: what only one test file needs.
"""

from collections.abc import AsyncIterator

import pytest

from assets.resources import Ledger, Objects, Pages
from deploy.handle import StackHandle
from mcsp.s3 import ObjectStore
from tests.media_ops.postgres import Server


@pytest.fixture
def ledger(postgres_server: Server, database: str) -> Ledger:
    """The test's own database, so that no worker of the stack takes its jobs."""
    return Ledger(dsn=postgres_server.dsn("pipelines", database))


@pytest.fixture
def pages() -> Pages:
    return Pages(url="http://127.0.0.1:1")


@pytest.fixture
async def store(objects: Objects) -> AsyncIterator[ObjectStore]:
    """A client of the test's ``objects``."""
    async with objects.open() as opened:
        yield opened


def objects_of(stack: StackHandle) -> Objects:
    """The stack's object store, with all rights."""
    env = stack.env("tests")
    return Objects(
        endpoint=env["MCSP_S3__ENDPOINT"],
        region="us-east-1",
        access_key=env["MCSP_S3__ACCESS_KEY"],
        secret_key=env["MCSP_S3__SECRET_KEY"],
        bucket_media=env["MCSP_S3__BUCKET_MEDIA"],
    )
