"""The bare ``mcsp`` command: finds its subcommands by entry point and loads one only when it is called.

Each subcommand lives in the room whose work it is. A room that cannot be imported takes away its own
subcommands alone. What does not belong here: any subcommand.
"""

import ast
import importlib
import importlib.util
import tomllib
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from pathlib import Path

import click

GROUP = "mcsp.commands"


def entry_points() -> dict[str, EntryPoint]:
    """Subcommands by name: from the installed package, else from ``pyproject.toml``."""
    try:
        found = [point for point in distribution("mcsp").entry_points if point.group == GROUP]
    except PackageNotFoundError:
        found = _from_project_file()
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def _from_project_file() -> list[EntryPoint]:
    path = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if not path.exists():
        return []
    project = tomllib.loads(path.read_text())["project"]
    return [EntryPoint(name, value, GROUP) for name, value in project["entry-points"][GROUP].items()]


def summary(point: EntryPoint) -> str:
    """First line of a command's docstring, read without importing its room."""
    try:
        spec = importlib.util.find_spec(point.module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        return f"(not there: {point.module})"
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == point.attr:
            return (ast.get_docstring(node) or "").split("\n", 1)[0]
    return ""


class Commands(click.Group):
    """A group whose subcommands are entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        point = entry_points().get(cmd_name)
        if point is None:
            return None
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise click.ClickException(
                f"`mcsp {cmd_name}` cannot be loaded from {point.value}: {error}. Run `make setup`."
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(point)) for name, point in entry_points().items()])


@click.command(cls=Commands)
def main() -> None:
    """MCSP: a streaming platform for video and audio, on your machine or on clusters."""


if __name__ == "__main__":
    main(prog_name="mcsp")
