"""Promises of the problem document: what a stranger is told of an error."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from litestar import post
from litestar.params import JSONBody
from litestar.testing import create_test_client

import streaming_api
from mcsp import errors
from mcsp.errors import MCSPError, UnavailableError
from streaming_api.frame.problems import HANDLERS, problem_of


def test_what_is_meant_for_operators_is_never_told() -> None:
    error = UnavailableError("store_down", "Not now.", retry_after_s=3, log="http://10.1.2.3:9000/bucket")
    told = msgspec.json.decode(msgspec.json.encode(problem_of(error)))
    assert told["details"] == {"retry_after_s": 3}
    assert "10.1.2.3" not in str(told)


ROOM = Path(streaming_api.__file__).parent
REACHING = [
    *ROOM.rglob("*.py"),
    *(ROOM.parent / "mcsp" / f"{name}.py" for name in ("idempotency", "pages", "s3_errors")),
]
KINDS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MCSPError)
}


def _made(path: Path) -> Iterator[ast.Call]:
    """Every error of ours that a file makes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            yield node


def _says_what_to_do(call: ast.Call) -> bool:
    action = next((word.value for word in call.keywords if word.arg == "action"), None)
    return action is not None and not (isinstance(action, ast.Constant) and not action.value)


def test_every_error_that_reaches_people_says_what_to_do_next() -> None:
    made = [(path, call) for path in REACHING for call in _made(path)]
    assert len(made) > 40, "the errors are found"
    assert [f"{path.name}:{call.lineno}" for path, call in made if not _says_what_to_do(call)] == []


@post("/things", sync_to_thread=False)
def make(data: JSONBody[dict[str, int]]) -> None: ...


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/none", 404), ("GET", "/things", 405), ("POST", "/things", 400)]
)
def test_what_the_framework_refuses_says_what_to_do_next(method: str, path: str, status: int) -> None:
    with create_test_client([make], exception_handlers=HANDLERS) as client:
        answer = client.request(method, path, content="{", headers={"Content-Type": "application/json"})
    told = answer.json()
    assert answer.status_code == status
    assert told["detail"]
    assert told["action"].endswith(".")
