"""The table of services: where a new one is entered; its package offers ``service.SERVICE``."""

from importlib import import_module

from streaming_api.frame.service import Service

NAMES = ("identity", "uploads", "content", "playback", "events", "creators", "web")


def load(name: str) -> Service:
    """The descriptor of a service. Raises ValueError for a name that is not in the table."""
    if name not in NAMES:
        raise ValueError(f"no service {name!r}; there are {', '.join(NAMES)}")
    return import_module(f"streaming_api.{name}.service").SERVICE
