"""Steps are done once, again when what they depend on changes, and again after a run cut off."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.setup import schedule
from deploy.setup.errors import SetupError
from deploy.setup.places import PYTHON, ROOT
from deploy.setup.steps import Step

from .conftest import run_setup


class Recorder:
    """Steps of a small set-up that note when they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.failing: set[str] = set()
        (folder / "tools.lock").write_text("1")
        (folder / "web.lock").write_text("1")

    def step(self, name: str, after: tuple[str, ...] = ()) -> Step:
        source = self.folder / f"{name}.lock"
        inputs = (source,) if source.exists() else ()
        return Step(name, name, self.folder / f"{name}.stamp", inputs, self._run(name), after=after)

    def _run(self, name: str) -> Callable[[Callable[[str, str], None]], str]:
        def run(report: Callable[[str, str], None]) -> str:
            self.ran.append(name)
            if name in self.failing:
                raise SetupError(name, "broke.", "mend it.")
            return name

        return run

    def set_up(self) -> list[str]:
        self.ran.clear()
        schedule.run_all(lambda: None)
        return sorted(self.ran)


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder(tmp_path)
    steps = (made.step("tools"), made.step("web", after=("tools",)), made.step("jars"))
    monkeypatch.setattr(schedule, "all_steps", lambda: steps)
    monkeypatch.setattr(schedule, "TOOLS_FROM", "tools")
    monkeypatch.setattr(schedule.commands, "stop_all", lambda: None)
    return made


def test_a_second_run_does_nothing(recorder: Recorder) -> None:
    assert recorder.set_up() == ["jars", "tools", "web"]
    assert recorder.set_up() == []


def test_a_changed_lock_does_its_step_and_those_after_it(recorder: Recorder) -> None:
    recorder.set_up()
    (recorder.folder / "tools.lock").write_text("2")
    assert recorder.set_up() == ["tools", "web"]
    (recorder.folder / "web.lock").write_text("2")
    assert recorder.set_up() == ["web"]


def test_a_failed_step_is_done_again_and_its_error_is_told(recorder: Recorder) -> None:
    recorder.failing = {"web"}
    with pytest.raises(SetupError, match="broke"):
        recorder.set_up()
    recorder.failing.clear()
    assert "web" in recorder.set_up()
    assert recorder.set_up() == []


def test_a_step_after_a_failed_one_does_not_run(recorder: Recorder) -> None:
    recorder.failing = {"tools"}
    with pytest.raises(SetupError):
        recorder.set_up()
    assert recorder.ran == ["tools"]


def test_the_set_up_needs_nothing_but_the_standard_library() -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import deploy.setup.__main__"
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not PYTHON.exists(), reason="this tree was not set up by make setup")
def test_a_set_up_tree_has_nothing_to_do() -> None:
    done = run_setup(ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("setup: ready (nothing to do")
