"""What the content service opens and its routes share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from mcsp.idempotency import Idempotency
from mcsp.resources import Resources
from streaming_api.content.events import load_changed
from streaming_api.content.live import LiveItems
from streaming_api.content.logic import Items
from streaming_api.signer import HmacSigner


@dataclass(frozen=True)
class Content:
    """The items, and who follows them live."""

    items: Items
    live: LiveItems


@asynccontextmanager
async def open_content(resources: Resources) -> AsyncIterator[Content]:
    """Content's state while the process runs."""
    options = resources.settings
    pool = await resources.pool("content")
    items = Items(
        pool=pool,
        signer=HmacSigner(options.media_url, options.path_signing_key.get_secret_value()),
        idempotency=Idempotency(pool, "content", resources.cache),
    )
    live = LiveItems(options.dsn_of("content"), partial(load_changed, items))
    async with live.running():
        yield Content(items, live)
