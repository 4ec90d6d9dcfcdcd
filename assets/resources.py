"""The kinds of resources that assets ask for: the ledger, the object store, and where pages are.

What does not belong here: their values (``orchestration.resources``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import dagster as dg

from mcsp.database.pool import Connection, open_pool
from mcsp.s3 import ObjectStore, open_store
from mcsp.settings import S3Settings

Result = TypeVar("Result")


class Ledger(dg.ConfigurableResource):
    """The media ledger in PostgreSQL, seen as the role ``pipelines``: its published views and functions."""

    dsn: str

    def run(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run one function of ``media_ops`` on a connection of its own and give what it gives."""

        async def on_connection() -> Result:
            async with (
                await open_pool(self.dsn, name="dagster", max_size=1) as pool,
                pool.acquire() as connection,
            ):
                return await work(connection)

        return asyncio.run(on_connection())


class Objects(dg.ConfigurableResource):
    """The object store that holds sources and published media."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    bucket_media: str

    def open(self) -> AbstractAsyncContextManager[ObjectStore]:
        """A client for as long as the context lasts."""
        return open_store(
            S3Settings.model_validate(
                self.model_dump(include={"endpoint", "region", "access_key", "secret_key", "bucket_media"})
            )
        )


class Pages(dg.ConfigurableResource):
    """Where people look at an item: the public base address of the pages, without trailing slash."""

    url: str

    def watch(self, media_id: object) -> str:
        return f"{self.url}/watch/{media_id}"

    @property
    def studio(self) -> str:
        return f"{self.url}/studio"
