"""The commands of the stack: ``up``, ``down``, ``status``. What does not belong here: what they do."""

import functools
from collections.abc import Callable
from typing import ParamSpec

import click
import msgspec

from deploy import control, report, waiting
from deploy import demo as show
from deploy import doctor as examination
from deploy.context import Context
from deploy.ending import StillEndingError
from deploy.sample import SampleError
from deploy.stack import UnknownServiceError, endpoints, pages
from deploy.supervisor.service import StepFailedError
from deploy.supervisor.state import GOOD, UnitState
from mcsp.settings import settings

P = ParamSpec("P")


def _plain_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Errors with a message for people end as that message and exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (control.StackError, UnknownServiceError, StepFailedError, SampleError) as error:
            raise click.ClickException(str(error)) from error
        except (StillEndingError, show.StartInterruptedError) as error:
            click.echo(f"\n{error}", err=True)
            raise SystemExit(130) from None
        except KeyboardInterrupt:
            click.echo("\ninterrupted; `mcsp status` tells what runs.", err=True)
            raise SystemExit(130) from None

    return wrapped


@click.command()
@click.option("--wait", is_flag=True, help="Wait until everything is healthy.")
@click.option("--only", default="", metavar="NAME,…", help="These services and what they need.")
@click.option(
    "--timeout", default=waiting.READY_LIMIT_S, show_default=True, help="Seconds that --wait waits at most."
)
@_plain_errors
def up(wait: bool, only: str, timeout: float) -> None:
    """Start the stack in the background, or attach to the one that runs."""
    context = Context.of(settings())
    started = control.start(context, [name.strip() for name in only.split(",") if name.strip()])
    click.echo(f"{'starting' if started else 'already supervised'}: {context.layout.home}")
    if wait:
        _wait(context, timeout)
        for name, address in {**endpoints(settings()), **pages(settings())}.items():
            click.echo(f"{name:10} {address}")
    else:
        click.echo("`mcsp status` shows how it goes on, `mcsp up --wait` waits for it.")


@click.command()
@_plain_errors
def down() -> None:
    """End everything of this MCSP_HOME; the data stays."""
    context = Context.of(settings())
    control.stop(context, click.echo)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_plain_errors
def status(as_json: bool) -> None:
    """Say what runs."""
    context = Context.of(settings(), only_look=True)
    if as_json:
        click.echo(msgspec.json.encode(report.report(context)).decode())
        return
    state = report.observe(context)
    for line in report.table(state):
        click.echo(line)
    click.echo("ready" if state.ready else "not ready")


@click.command()
@_plain_errors
def doctor() -> None:
    """Look for what keeps the stack from running; say what to do about it."""
    findings = list(examination.examine(Context.of(settings(), only_look=True)))
    for finding in findings:
        click.echo(f"{'✓' if finding.good else '✗'} {finding.about}: {finding.seen}")
        if finding.next_step:
            click.echo(f"    → {finding.next_step}")
    if not all(finding.good for finding in findings):
        raise SystemExit(1)


@click.command()
@_plain_errors
def demo() -> None:
    """Start the stack, publish a sample, print the addresses; Ctrl-C ends it."""
    show.demo(Context.of(settings()), _tell)


def _wait(context: Context, limit_s: float) -> None:
    try:
        waiting.wait_ready(context, limit_s, _tell)
    except KeyboardInterrupt:
        click.echo("\nno longer waiting; the stack goes on starting. `mcsp down` ends it.", err=True)
        raise SystemExit(130) from None


def _tell(name: str, unit: UnitState) -> None:
    good = unit.state in GOOD
    reason = f": {unit.reason}" if unit.reason and not good else ""
    click.echo(f"  {'✓' if good else ' '} {name:20} {unit.state}{reason}")
