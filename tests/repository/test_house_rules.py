"""Rules that hold for every file of the repository and that no off-the-shelf linter checks.

A new rule is one test here. Rules about one room stand with that room's tests.
"""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("mcsp", "media_ops", "warehouse", "streaming_api", "assets", "orchestration", "deploy")
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore|nosec)\b(?P<rest>.*)")
ANOTHER_MACHINE = re.compile(r"(?<![\w.$}/])/(home|root|work|Users)/[\w.-]+")
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")))

PROMISING = ("assert_", "expect", "validate_", "run_machine", "run_state_machine")


def tracked(*patterns: str) -> list[Path]:
    """The repository's files: those that git tracks or would track."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git to know which files are the repository's")
    listing = subprocess.run(
        [git, "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def modules(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in tracked("*.py"):
        if path.relative_to(ROOT).parts[0] in rooms:
            yield path, ast.parse(path.read_text())


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_opens_by_saying_what_belongs_in_it() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path, tree in modules(*ROOMS, "tests", "bench")
        if tree.body and not ast.get_docstring(tree)
    ]
    assert silent == []


def test_a_silenced_checker_gives_its_reason() -> None:
    bare = [
        place(path, number)
        for path in tracked("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := SILENCED.search(line)) and " -- " not in match["rest"]
    ]
    assert bare == []


def swallows(node: ast.AST) -> bool:
    """An `except` whose whole body is `pass` or `...`, or a `suppress` of everything."""
    if isinstance(node, ast.ExceptHandler):
        return all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        )
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(ast.unparse(argument) in {"Exception", "BaseException"} for argument in node.args)
    return False


def test_nothing_is_swallowed() -> None:
    found = [
        place(path, node.lineno)
        for path, tree in modules(*ROOMS, "tests", "bench")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler | ast.Call) and swallows(node)
    ]
    assert found == []


Function = ast.FunctionDef | ast.AsyncFunctionDef


def checks_something(function: Function, helpers: set[str]) -> bool:
    """An assertion, an expected exception, or a call of a helper that has one or is named for it."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rsplit(".", 1)[-1]
            told = any(keyword.arg == "accept" for keyword in node.keywords)
            if told or name in {"raises", "fail", *helpers} or name.startswith(PROMISING):
                return True
    return False


def checking_helpers(functions: list[Function]) -> set[str]:
    """Names of the functions among the tests that check something, themselves or through another."""
    found: set[str] = set()
    while more := {f.name for f in functions if f.name not in found and checks_something(f, found)}:
        found |= more
    return {name for name in found if not name.startswith("test_")}


def test_every_test_asserts_something() -> None:
    functions = [
        (path, node)
        for path, tree in modules("tests")
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]
    helpers = checking_helpers([node for _, node in functions])
    idle = [
        f"{place(path, node.lineno)} {node.name}"
        for path, node in functions
        if node.name.startswith("test_") and not checks_something(node, helpers)
    ]
    assert idle == []


def test_no_file_names_a_folder_of_some_machine() -> None:
    found = [
        f"{place(path, number)} {match.group()}"
        for path in tracked(
            "*.py", "*.md", "*.toml", "*.yaml", "*.sh", "*.in", "*.sql", "*.js", "Makefile", ".ci/run"
        )
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := ANOTHER_MACHINE.search(line))
    ]
    assert found == []


def test_no_code_says_that_it_is_unfinished() -> None:
    found = [
        place(path, number)
        for path in tracked("*.py", "*.sql", "*.js", "*.sh")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []
