"""The table of services: where a new one is entered; its package offers ``service.SERVICE``."""

from importlib import import_module
from importlib.util import find_spec

from streaming_api.frame.service import Service

NAMES = ("identity", "uploads", "content", "playback", "web")


def present() -> list[str]:
    """The services whose package is installed (images carry only what they run)."""
    return [name for name in NAMES if find_spec(f"streaming_api.{name}") and _offers(name)]


def _offers(name: str) -> bool:
    return find_spec(f"streaming_api.{name}.service") is not None


def load(name: str) -> Service:
    """The descriptor of a service. Raises ValueError for a name that is not in the table."""
    if name not in NAMES:
        raise ValueError(f"no service {name!r}; there are {', '.join(NAMES)}")
    return import_module(f"streaming_api.{name}.service").SERVICE
