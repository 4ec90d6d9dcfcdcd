"""How HEAD is answered: by the route of GET, of whose answer the content is left out (RFC 9110, 9.3.2)."""

import asyncio
from typing import Any

from litestar.types import Message, Receive, Send


def head_only(send: Send) -> tuple[Receive, Send]:
    """What a GET route gets as its ``receive`` and ``send``: no body comes, none goes out, and once the head
    is out the client counts as gone, so that a stream without an end (live state) ends."""
    answered = asyncio.Event()
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send_head(message: Message) -> None:
        if answered.is_set():
            return
        await send(message)
        if message["type"] == "http.response.start":
            answered.set()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return receive, send_head
