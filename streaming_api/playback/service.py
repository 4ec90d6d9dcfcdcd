"""The playback service as the frame runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcsp.resources import Resources
from streaming_api.frame.service import Service
from streaming_api.playback.endpoints import ROUTES
from streaming_api.playback.logic import Player
from streaming_api.playback.sessions import SessionKeys
from streaming_api.signer import HmacSigner


@asynccontextmanager
async def _open(resources: Resources) -> AsyncIterator[Player]:
    """Raises ValueError without a key for sessions: anyone could make one for an empty key."""
    options = resources.settings
    if not (session_key := options.play_session_key.get_secret_value()):
        raise ValueError("playback needs MCSP_PLAY_SESSION_KEY (a secret of its own)")
    yield Player(
        pool=await resources.pool("playback", stateless=True),
        signer=HmacSigner(options.media_url, options.path_signing_key.get_secret_value()),
        sessions=SessionKeys(session_key),
    )


SERVICE = Service(name="playback", role="playback", routes=ROUTES, open=_open)
