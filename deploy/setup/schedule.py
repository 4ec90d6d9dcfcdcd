"""Runs the steps that have something to do: each after those it needs, as many at once as can go."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from deploy.setup import commands
from deploy.setup.progress import Progress
from deploy.setup.steps import Step, all_steps

TOOLS_FROM = "packages"
"""jgo, npm and node come with the packages: every step that has no other need waits for this one."""


def run_all(before_work: Callable[[], None]) -> list[str]:
    """Does what is to be done and gives the names of the steps done. Raises the first SetupError.

    ``before_work`` is called once when there is any work at all.
    """
    steps = all_steps()
    digests: dict[str, str] = {}
    for step in steps:
        digests[step.name] = step.digest(digests)
    due = _due(steps, digests)
    if due:
        before_work()
        with Progress() as progress:
            _run(due, digests, progress)
    return [step.name for step in due]


def _due(steps: tuple[Step, ...], digests: dict[str, str]) -> list[Step]:
    due: list[Step] = []
    for step in steps:
        redone = {other.name for other in due} & set(step.after)
        if redone or not step.is_done(digests[step.name]):
            due.append(step)
    return due


def _run(due: list[Step], digests: dict[str, str], progress: Progress) -> None:
    waiting = list(due)
    running: dict[Future[None], Step] = {}
    with ThreadPoolExecutor(max_workers=len(due)) as pool:
        try:
            while waiting or running:
                open_names = {step.name for step in [*waiting, *running.values()]}
                for step in [step for step in waiting if not open_names & _needs(step)]:
                    waiting.remove(step)
                    running[pool.submit(_do, step, digests[step.name], progress)] = step
                _harvest(running)
        except BaseException:
            commands.stop_all()
            raise


def _needs(step: Step) -> set[str]:
    needs = set(step.after) | ({TOOLS_FROM} if step.name not in {TOOLS_FROM, "python"} else set())
    return needs - {step.name}


def _harvest(running: dict[Future[None], Step]) -> None:
    """Waits for one step to end and raises its error where it failed."""
    ended, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in ended:
        del running[future]
        future.result()


def _do(step: Step, digest: str, progress: Progress) -> None:
    progress.started(step.name, step.what)
    try:
        step.stamp.unlink(missing_ok=True)
        result = step.run(progress.detail)
        step.stamp.write_text(digest)
    except BaseException:
        progress.failed(step.name)
        raise
    progress.finished(step.name, result)
