"""The playback service as the frame runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcsp.resources import Resources
from streaming_api.frame.service import Service
from streaming_api.playback.endpoints import ROUTES
from streaming_api.playback.logic import Player
from streaming_api.playback.sessions import SessionKeys
from streaming_api.playback.signer import HmacSigner


@asynccontextmanager
async def _open(resources: Resources) -> AsyncIterator[Player]:
    options = resources.settings
    secret = options.path_signing_key.get_secret_value()
    yield Player(
        pool=await resources.pool("playback", stateless=True),
        signer=HmacSigner(options.media_url, secret),
        sessions=SessionKeys(secret),
    )


SERVICE = Service(name="playback", role="playback", routes=ROUTES, open=_open)
