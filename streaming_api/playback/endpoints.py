"""The route of playback."""

from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from streaming_api.frame.callers import Viewer
from streaming_api.playback import logic
from streaming_api.playback.logic import Player
from streaming_api.playback.schemas import Playback


@get("/v1/playback/{media_id:uuid}", tags=["playback"], summary="Where an item plays")
async def show_playback(
    viewer: NamedDependency[Viewer | None], playback: NamedDependency[Player], media_id: FromPath[UUID]
) -> Playback:
    """Signed addresses of the newest manifest version, and a session. 409 while there is nothing to play."""
    return await logic.play(playback, media_id, viewer.user_id if viewer else None)


ROUTES = [show_playback]
