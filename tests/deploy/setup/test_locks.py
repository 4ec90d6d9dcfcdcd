"""What the lock files promise: exact files, no addresses, one resolution."""

import json
import re
from pathlib import Path

import pytest

from deploy.setup import jars
from deploy.setup.places import INSTALLED_GROUPS, JAR_SPECS, LOCKED_GROUPS, REQUIREMENTS, WEB

REQUIREMENT_LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
JAR_LOCKS = sorted(JAR_SPECS.glob("*/jgo.lock.toml"))
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,._-]+\])?==([^ ;\\]+)", re.IGNORECASE)


def pins(group: str) -> dict[str, str]:
    lines = (REQUIREMENTS / f"{group}.txt").read_text().splitlines()
    return {match[1].lower(): match[2] for line in lines if (match := PIN.match(line))}


def wanted(group: str) -> set[str]:
    """Names in a group's own `.in` file and in those that it includes."""
    names: set[str] = set()
    for line in (REQUIREMENTS / f"{group}.in").read_text().splitlines():
        if line.startswith("-r "):
            names |= wanted(line[3:].removesuffix(".in"))
        elif line and not line.startswith("#"):
            names.add(re.split(r"[\[=<>~! ]", line)[0].lower())
    return names


@pytest.mark.parametrize(
    "lock", [*REQUIREMENT_LOCKS, *JAR_LOCKS, WEB / "package-lock.json"], ids=lambda lock: lock.name
)
def test_no_lock_records_an_address(lock: Path) -> None:
    text = lock.read_text()
    assert text.strip()
    assert not re.search(r"[a-z]+://|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_every_group_has_its_lock() -> None:
    assert {lock.stem for lock in REQUIREMENT_LOCKS} == {*LOCKED_GROUPS, "bootstrap", "build"}
    assert set(INSTALLED_GROUPS) <= set(LOCKED_GROUPS)


@pytest.mark.parametrize("lock", REQUIREMENT_LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_exact_and_hashed(lock: Path) -> None:
    joined = lock.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert PIN.match(line), line
        assert "--hash=sha256:" in line, line


def test_the_groups_agree_on_every_version() -> None:
    seen: dict[str, dict[str, str]] = {}
    for group in [*LOCKED_GROUPS, "build"]:
        for name, version in pins(group).items():
            seen.setdefault(name, {})[group] = version
    assert len(seen) > 200
    assert not {name: by for name, by in seen.items() if len(set(by.values())) > 1}


@pytest.mark.parametrize("group", LOCKED_GROUPS)
def test_a_lock_holds_what_its_group_asks_for(group: str) -> None:
    assert wanted(group) <= set(pins(group))


def test_what_the_product_is_built_on_is_locked() -> None:
    product = (
        "dagster dagster-webserver dagster-postgres dagster-k8s pyspark delta-spark duckdb "
        "clickhouse-connect feast ray litestar asyncpg redis aiokafka boto3 ffmpeg-python "
        "tritonclient great-expectations pytest"
    )
    locked = set().union(*(pins(group) for group in LOCKED_GROUPS))
    assert set(product.split()) <= locked


@pytest.mark.parametrize("lock", JAR_LOCKS, ids=lambda lock: lock.parent.name)
def test_every_jar_has_its_sha256(lock: Path) -> None:
    files = jars.locked(lock.read_text())
    assert files
    assert all(
        name.endswith(".jar") and re.fullmatch(r"[0-9a-f]{64}", digest) for name, digest in files.items()
    )


def test_every_npm_package_has_its_digest() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    fetched = {name: package for name, package in packages.items() if name}
    assert fetched
    assert all(package["integrity"].startswith("sha512-") for package in fetched.values())
