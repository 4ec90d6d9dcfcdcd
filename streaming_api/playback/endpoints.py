"""The route of playback."""

from uuid import UUID

from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from streaming_api.frame.callers import Viewer
from streaming_api.playback import logic
from streaming_api.playback.logic import Player
from streaming_api.playback.schemas import Playback


@get("/v1/playback/{media_id:uuid}", tags=["playback"], summary="Where an item plays")
async def show_playback(
    viewer: NamedDependency[Viewer | None], state: State, media_id: FromPath[UUID]
) -> Playback:
    """Signed addresses of the newest manifest version, and a session. 409 while there is nothing to play."""
    # From the state: two dependencies would be resolved in a task group, a sixth of this hot route's time.
    player: Player = state["playback"]
    return await logic.play(player, media_id, viewer.user_id if viewer else None)


ROUTES = [show_playback]
