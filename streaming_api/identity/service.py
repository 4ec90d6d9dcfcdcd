"""The descriptor of the identity service."""

from streaming_api.frame.service import Service
from streaming_api.identity.endpoints import ROUTES
from streaming_api.identity.state import open_identity

SERVICE = Service(name="identity", role="identity", routes=ROUTES, open=open_identity)
