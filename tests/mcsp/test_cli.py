"""Promises of the bare ``mcsp`` command: one room that cannot be imported takes no other command away."""

from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

from mcsp import cli


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        "migrate": EntryPoint("migrate", "mcsp.database.cli:migrate", cli.GROUP),
        "broken": EntryPoint("broken", "no_such_room.cli:broken", cli.GROUP),
    }
    monkeypatch.setattr(cli, "offered", lambda group: points)


@pytest.mark.usefixtures("offers")
def test_a_room_that_cannot_be_imported_is_said_plainly() -> None:
    result = CliRunner().invoke(cli.main, ["broken"])
    assert result.exit_code == 1
    assert "`mcsp broken` cannot be loaded from no_such_room.cli:broken" in result.output
    assert "make setup" in result.output


@pytest.mark.usefixtures("offers")
def test_other_commands_work_beside_a_broken_room() -> None:
    result = CliRunner().invoke(cli.main, ["migrate", "--help"])
    assert result.exit_code == 0
    assert "migrations" in result.output


@pytest.mark.usefixtures("offers")
def test_help_lists_every_command_with_its_summary_and_imports_no_room() -> None:
    result = CliRunner().invoke(cli.main, ["--help"])
    assert result.exit_code == 0
    assert "migrate" in result.output
    assert "(not there: no_such_room.cli)" in result.output


def test_the_commands_of_the_contract_are_offered() -> None:
    assert {"up", "down", "status", "doctor", "demo", "publish"} <= cli.offered(cli.GROUP).keys()
