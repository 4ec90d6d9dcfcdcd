"""What comes by npm, by a lock that records no address: what the pages load, the tests' browser, one table.

`streaming_api/web/node_modules` is npm's; `streaming_api/web/assets` is what the API serves: only the
files named here, each package in a folder of its own, and `versions.json` (package → version). The table of
countries by address stands beside the code that reads it.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from deploy.setup import commands
from deploy.setup.places import ASSETS, COUNTRIES, ROOT, VENV, WEB

SERVED: dict[str, tuple[str, ...]] = {
    "@fontsource-variable/instrument-sans": (
        "files/instrument-sans-latin-wght-normal.woff2",
        "files/instrument-sans-latin-ext-wght-normal.woff2",
        "LICENSE",
    ),
    "shaka-player": ("dist/shaka-player.hls-es2021.js", "LICENSE"),
    "uplot": ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE"),
    "uppy": ("dist/uppy.min.mjs", "LICENSE"),
}
"""Package → the files of it that are served, at `assets/PACKAGE/FILE NAME`."""

MODULES = WEB / "node_modules"
_COUNTRY_TABLE = MODULES / "@ip-location-db" / "geo-whois-asn-country-mmdb" / "geo-whois-asn-country.mmdb"


def copied() -> tuple[str, ...]:
    """Every copied file as `package/path`: changes when the list here changes."""
    served = (f"{package}/{path}" for package, paths in SERVED.items() for path in paths)
    return (*served, str(COUNTRIES.relative_to(ROOT)))


def targets() -> tuple[Path, ...]:
    """The copied files, where they stand."""
    served = (ASSETS / package / Path(path).name for package, paths in SERVED.items() for path in paths)
    return (*served, COUNTRIES)


def fetch(report: Callable[[str, str], None]) -> str:
    """Installs exactly the lock and copies the served files."""
    argv = [npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    commands.run("web", [*argv, "--fetch-retries", "1"], cwd=WEB, env=node_environment(), on_line=report)
    versions = {package: _copy(package, paths) for package, paths in SERVED.items()}
    COUNTRIES.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_COUNTRY_TABLE, COUNTRIES)
    (ASSETS / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
    return ", ".join(f"{package} {version}" for package, version in versions.items())


def lock() -> None:
    """Resolves `package.json` anew; no address of a registry stays in the lock."""
    argv = [npm(), "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    commands.run("lock", [*argv, "--omit-lockfile-registry-resolved"], cwd=WEB, env=node_environment())
    file = WEB / "package-lock.json"
    content = json.loads(file.read_text())
    for package in content["packages"].values():
        for address in ("resolved", "funding"):
            package.pop(address, None)
    file.write_text(json.dumps(content, indent=2) + "\n")


def npm() -> str:
    """npm of the locked nodejs wheel."""
    return str(VENV / "bin" / "npm")


def node_environment() -> dict[str, str]:
    """Puts the wheel's node first, so that npm's own scripts find it and no other."""
    return {"PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _copy(package: str, paths: tuple[str, ...]) -> str:
    target = ASSETS / package
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in paths:
        shutil.copy(MODULES / package / path, target)
    return str(json.loads((MODULES / package / "package.json").read_text())["version"])
