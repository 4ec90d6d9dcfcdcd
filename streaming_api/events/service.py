"""The events service as the frame runs it."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcsp.health import Check
from mcsp.resources import Resources
from streaming_api.events.countries import Countries
from streaming_api.events.endpoints import ROUTES
from streaming_api.events.logic import Door
from streaming_api.events.sender import Sender
from streaming_api.frame.service import Service
from streaming_api.play_sessions import SessionKeys


@asynccontextmanager
async def _open(resources: Resources) -> AsyncIterator[Door]:
    options = resources.settings
    countries = Countries()
    try:
        async with Sender(options.kafka_bootstrap, resources.name).running() as sender:
            yield Door(
                sender=sender,
                sessions=SessionKeys(options.play_session_key.get_secret_value()),
                countries=countries,
                name=f"{resources.name}@{socket.gethostname()}",
            )
    finally:
        countries.close()


def _checks(door: Door) -> Sequence[Check]:
    """Neither stops the process from serving: clients keep their events and send them again."""
    return (
        Check("kafka", door.sender.check, required=False),
        Check("countries", door.countries.check, required=False),
    )


SERVICE = Service(name="events", routes=ROUTES, open=_open, checks=_checks, injected=False)
