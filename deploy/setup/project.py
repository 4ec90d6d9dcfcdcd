"""Installs MCSP itself into `.venv`, editable: that gives the `mcsp` command and its entry points."""

from collections.abc import Callable

from deploy.setup import commands
from deploy.setup.places import PYTHON, ROOT, UV


def install(report: Callable[[str, str], None]) -> str:
    """Builds with the locked hatchling, without isolation and without a network."""
    argv = [UV, "pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--no-index"]
    commands.run("project", [*argv, "--reinstall-package", "mcsp", "--editable", ROOT], on_line=report)
    return "the mcsp command"
