"""Makes uv use the registry that this machine's pip uses. No address is ever written here.

uv does not read pip's configuration. Whatever the person told pip (`pip config`, `PIP_*`) is handed to
uv through its environment, unless uv has been told otherwise by its own variables.
"""

import ast
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.setup.places import PYTHON

_OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE", "UV_OFFLINE")


def uv_environment() -> dict[str, str]:
    """Environment variables for uv that say what pip's configuration says."""
    listing = subprocess.run(  # noqa: S603 -- our own interpreter
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return translate(parse(listing.stdout), os.environ)


def parse(listing: str) -> dict[str, str]:
    """`pip config list` as option → value; the environment wins over `install`, that over `global`."""
    ranks = {"global": 0, "install": 1, ":env:": 2}
    best: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, separator, quoted = line.partition("=")
        section, _, option = name.rpartition(".")
        if not separator or section not in ranks:
            continue
        value = str(ast.literal_eval(quoted)) if quoted[:1] in "'\"" else quoted
        if option not in best or ranks[section] >= best[option][0]:
            best[option] = (ranks[section], value)
    return {option: value for option, (_, value) in best.items()}


def translate(options: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """pip's options in uv's words. What the person said to uv itself is left alone."""
    said: dict[str, str] = {}
    if not any(name in environ for name in _OWN_INDEX):
        _put(said, "UV_DEFAULT_INDEX", options.get("index-url", ""))
        _put(said, "UV_INDEX", " ".join(options.get("extra-index-url", "").split()))
    links = [link for link in options.get("find-links", "").split() if "://" in link or Path(link).is_dir()]
    _put(said, "UV_FIND_LINKS", ",".join(links))
    _put(said, "SSL_CERT_FILE", options.get("cert", ""))
    _put(said, "UV_INSECURE_HOST", " ".join(options.get("trusted-host", "").split()))
    _put(said, "UV_HTTP_TIMEOUT", options.get("timeout", options.get("default-timeout", "")))
    _put(said, "ALL_PROXY", options.get("proxy", ""))
    if options.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        said["UV_NO_INDEX"] = "1"
    return {name: value for name, value in said.items() if name not in environ}


def _put(target: dict[str, str], name: str, value: str) -> None:
    if value:
        target[name] = value
