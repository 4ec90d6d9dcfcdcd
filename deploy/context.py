"""What every service definition is made from: folders, ports and secrets of one stack."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property

from deploy.credentials import Credentials
from deploy.layout import PROJECT, Layout
from deploy.ports import Ports
from mcsp.settings import Settings

_HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "VIRTUAL_ENV")
"""All that a service gets of the caller's own environment."""


@dataclass(frozen=True)
class Context:
    """One stack: where it lies, which ports it has, what it keeps secret."""

    settings: Settings
    layout: Layout
    only_look: bool = False

    @classmethod
    def of(cls, settings: Settings, *, only_look: bool = False) -> "Context":
        """``only_look``: to say what is there, without making the secrets of a stack that never ran."""
        return cls(settings, Layout.of(settings.home), only_look)

    @cached_property
    def ports(self) -> Ports:
        return Ports(self.settings.port_base)

    @cached_property
    def credentials(self) -> Credentials:
        return Credentials(self.layout.secrets, self.only_look)

    def base_environment(self) -> dict[str, str]:
        """What any process of the stack needs to run at all; no address and no secret among it."""
        handed_on = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        return {
            "LANG": "C.UTF-8",
            **handed_on,
            "TMPDIR": str(self.layout.sockets),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
        }

    def command(self, *arguments: str) -> tuple[str, ...]:
        """A subcommand of ``mcsp`` under this interpreter."""
        return (sys.executable, "-m", "mcsp.cli", *arguments)
