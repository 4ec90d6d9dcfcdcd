"""What a service says of itself, so that the frame can run it alone or beside others in one process."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from litestar.config.app import AppConfig
from litestar.types import ControllerRouterHandler

from mcsp.health import Check
from mcsp.resources import Resources


@dataclass(frozen=True)
class Service:
    """A service. ``open`` gives its state while the process runs; handlers get that state as the
    dependency named ``name`` (``uploads: NamedDependency[Uploads]``).

    What ``open`` takes from ``Resources`` is checked by ``/readyz``; ``checks`` adds more. ``configure``
    may change the application's configuration (templates, static files). ``role`` is its database role.

    ``injected=False``: handlers take the state from ``state[name]`` instead. For a service whose bodies have
    a field of its name: Litestar takes a wrong one for a failed dependency, 500 instead of 400.
    """

    name: str
    routes: Sequence[ControllerRouterHandler]
    open: Callable[[Resources], AbstractAsyncContextManager[Any]]
    role: str | None = None
    checks: Callable[[Any], Sequence[Check]] | None = None
    configure: Callable[[AppConfig], AppConfig] | None = None
    injected: bool = True
