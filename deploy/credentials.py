"""Secrets of a stack: generated once, a file each under ``MCSP_HOME/secrets``, readable by their owner alone.

What does not belong here: who is given which secret (``deploy.environment``).
"""

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Credentials:
    """The secrets in ``folder``. Asking for one that is not there makes it, unless one only looks."""

    folder: Path
    only_look: bool = False

    def password(self, name: str) -> str:
        """A random URL-safe secret of 256 bits, the same each time (empty: not there, and only looking)."""
        if self.only_look and not (self.folder / name).exists():
            return ""
        return self.file(name, lambda: secrets.token_urlsafe(32).encode()).read_text()

    def identity_key(self) -> Path:
        """PEM file (PKCS #8) of the Ed25519 key that signs access tokens."""
        return self.file("identity-key.pem", _ed25519_pem)

    def file(self, name: str, make: Callable[[], bytes]) -> Path:
        """The file of a secret. Two makers at once end up with the same content: the first one stays."""
        path = self.folder / name
        if not path.exists() and not self.only_look:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=self.folder, prefix=f".{name}-")  # 0600 by itself
            with os.fdopen(descriptor, "wb") as out:
                out.write(make())
            _link_once(Path(draft), path)
        return path


def _link_once(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # somebody else was first, and theirs is the one that counts
    finally:
        draft.unlink()


def _ed25519_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
