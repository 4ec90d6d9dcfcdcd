"""The content service as the frame runs it."""

from streaming_api.content.endpoints import ROUTES
from streaming_api.content.state import open_content
from streaming_api.frame.service import Service

SERVICE = Service(name="content", role="content", routes=ROUTES, open=open_content)
