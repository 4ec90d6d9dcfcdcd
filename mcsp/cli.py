"""The bare ``mcsp`` command: finds its subcommands by entry point and loads one only when it is called.

Each subcommand lives in the room whose work it is. A room that cannot be imported takes away its own
subcommands alone. What does not belong here: any subcommand.
"""

import ast
import importlib.util
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click

from mcsp.plugins import offered
from mcsp.settings import SettingError

GROUP = "mcsp.commands"


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
        return sorted(offered(GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        point = offered(GROUP).get(cmd_name)
        if point is None:
            return None
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise click.ClickException(
                f"`mcsp {cmd_name}` cannot be loaded from {point.value}: {error}. Run `make setup`."
            ) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; a variable with a wrong value is told in one line, whichever command read it."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(point)) for name, point in sorted(offered(GROUP).items())])


@click.command(cls=Commands)
def main() -> None:
    """MCSP: a streaming platform for video and audio, on your machine or on clusters."""


if __name__ == "__main__":
    main(prog_name="mcsp")
