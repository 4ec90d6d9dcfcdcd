"""Contract of ``events.raw``: what players and pages tell (key: the session id, else the viewer).

Messages are JSON. A row's identity is (topic, partition, offset, index in ``events``). What does not belong
here: how events are received (``streaming_api.events``), and what is counted (the view rule).
"""

from mcsp.contracts.events.base import UNSTAMPED, BaseEvent
from mcsp.contracts.events.received import Device, Received
from mcsp.contracts.events.types import (
    TYPES,
    Event,
    Heartbeat,
    Impression,
    Interval,
    Pause,
    PlaybackError,
    PlayEnd,
    PlayStart,
    QualityChange,
    Seek,
    Stall,
)

__all__ = [
    "TYPES", "UNSTAMPED", "BaseEvent", "Device", "Event", "Heartbeat", "Impression", "Interval", "Pause",
    "PlayEnd", "PlayStart", "PlaybackError", "QualityChange", "Received", "Seek", "Stall",
]  # fmt: skip
