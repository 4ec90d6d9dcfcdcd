"""The creators service as the frame runs it."""

from mcsp.health import Check
from streaming_api.creators.endpoints import ROUTES
from streaming_api.creators.state import Creators, open_creators
from streaming_api.frame.service import Service


def _checks(creators: Creators) -> list[Check]:
    """Playing, uploading and taking events go on without numbers."""
    return [Check("clickhouse", creators.reader.check, required=False)]


SERVICE = Service(name="creators", role="creators", routes=ROUTES, open=open_creators, checks=_checks)
