"""The uploads service as the frame runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcsp.idempotency import Idempotency
from mcsp.resources import Resources
from streaming_api.frame.service import Service
from streaming_api.uploads.endpoints import ROUTES
from streaming_api.uploads.state import Uploads


@asynccontextmanager
async def _open(resources: Resources) -> AsyncIterator[Uploads]:
    pool = await resources.pool("uploads")
    yield Uploads(
        pool=pool,
        store=await resources.store(),
        presigner=resources.presigner,
        bucket=resources.settings.s3.bucket_source,
        idempotency=Idempotency(pool, "uploads", resources.cache),
    )


SERVICE = Service(name="uploads", routes=ROUTES, open=_open, role="uploads")
