"""A jar that is not exactly the locked one never reaches `.jars`."""

import hashlib
from pathlib import Path

import pytest

from deploy.setup import jars
from deploy.setup.errors import SetupError


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    file = tmp_path / "a-1.0.jar"
    file.write_bytes(b"the right bytes")
    return file


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_locked_files_pass(jar: Path) -> None:
    jars.compare("a-jars", {jar.name: digest(jar)}, {jar.name: jar})
    assert jar.exists()


def test_other_bytes_are_refused_and_thrown_away(jar: Path) -> None:
    expected = {jar.name: digest(jar)}
    jar.write_bytes(b"other bytes")
    with pytest.raises(SetupError, match="another SHA-256"):
        jars.compare("a-jars", expected, {jar.name: jar})
    assert not jar.exists()


def test_a_file_too_many_or_too_few_is_refused(jar: Path) -> None:
    with pytest.raises(SetupError, match=r"differ from the lock: b-2\.0\.jar"):
        jars.compare("a-jars", {jar.name: digest(jar), "b-2.0.jar": "0" * 64}, {jar.name: jar})
    with pytest.raises(SetupError, match=r"differ from the lock: a-1\.0\.jar"):
        jars.compare("a-jars", {}, {jar.name: jar})


def test_kafka_is_the_version_that_was_chosen() -> None:
    lock = (jars.JAR_SPECS / "kafka" / "jgo.lock.toml").read_text()
    assert {"kafka_2.13-4.4.0.jar", "kafka-clients-4.4.0.jar"} <= set(jars.locked(lock))
