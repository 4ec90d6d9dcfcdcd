"""Promises of the bare ``mcsp`` command: one room that cannot be imported takes no other command away."""

from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

from mcsp import cli
from mcsp.settings import SettingError, settings


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


@pytest.mark.parametrize("base", ["abc", "80", "70000", ""])
@pytest.mark.parametrize("command", ["status", "doctor", "up", "down", "demo"])
def test_a_wrong_port_base_is_one_line_whichever_command_reads_it(
    base: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCSP_PORT_BASE", base)
    settings.cache_clear()
    result = CliRunner().invoke(cli.main, [command])
    settings.cache_clear()
    assert result.exit_code == 1
    said = f"Error: MCSP_PORT_BASE must be a number from 1024 to 65000 (it is {base!r})\n"
    assert result.output == said


def test_a_wrong_value_that_may_be_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCSP_SERVICE_PORT", "hunter2")
    settings.cache_clear()
    with pytest.raises(SettingError, match="MCSP_SERVICE_PORT") as raised:
        settings()
    assert "hunter2" not in str(raised.value)
