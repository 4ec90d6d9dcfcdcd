"""The content service as the frame runs it."""

from mcsp.health import Check
from streaming_api.content.endpoints import ROUTES
from streaming_api.content.state import Content, open_content
from streaming_api.frame.service import Service


def _checks(content: Content) -> list[Check]:
    return [Check("live", content.live.check)]


SERVICE = Service(name="content", role="content", routes=ROUTES, open=open_content, checks=_checks)
