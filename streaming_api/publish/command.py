"""The steps of ``mcsp publish``: log in, upload, wait until it plays, wait until it is finished."""

import httpx

from mcsp.settings import Settings
from streaming_api.publish.account import access_token
from streaming_api.publish.api import Api
from streaming_api.publish.report import Display, Published
from streaming_api.publish.transfer import LocalFile, send_file
from streaming_api.publish.watch import PLAYABLE, follow, playback_of


def api_address(options: Settings) -> str:
    """The API's address: as set, else on this machine at the port base + 1."""
    return options.api_url or f"http://127.0.0.1:{options.port_base + 1}"


async def publish(file: LocalFile, options: Settings) -> Published:
    """Publish a file. Raises MCSPError (refused, not reachable, not sent)."""
    address = api_address(options)
    async with httpx.AsyncClient() as http:
        anonymous, api = Api(http, address), Api(http, address)

        async def log_in() -> str:
            return await access_token(anonymous, options.home)

        api.log_in = log_in
        with Display(file.size) as display:
            media_id = await send_file(api, file, display.sent)
            watch_url = f"{address}/watch/{media_id}"
            media = await follow(api, media_id, display.media, until=PLAYABLE)
            if media.status in PLAYABLE:
                display.plays(watch_url)
                media = await follow(api, media_id, display.media, until=frozenset())
        playback = await playback_of(api, media_id) if media.status in PLAYABLE else None
        return Published(media_id, media.status, watch_url, playback, media.failure)
