"""The playback service as the frame runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcsp.resources import Resources
from streaming_api.frame.service import Service
from streaming_api.play_sessions import SessionKeys
from streaming_api.playback.endpoints import ROUTES
from streaming_api.playback.logic import Player
from streaming_api.signer import HmacSigner


@asynccontextmanager
async def _open(resources: Resources) -> AsyncIterator[Player]:
    options = resources.settings
    yield Player(
        pool=await resources.pool("playback", stateless=True),
        signer=HmacSigner(options.media_url, options.path_signing_key.get_secret_value()),
        sessions=SessionKeys(options.play_session_key.get_secret_value()),
    )


SERVICE = Service(name="playback", role="playback", routes=ROUTES, open=_open)
