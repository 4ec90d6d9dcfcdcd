"""``mcsp demo``: a stack, a published sample, the addresses, until Ctrl-C."""

import signal
import subprocess
from types import FrameType

import click

from deploy import control, sample
from deploy.context import Context
from deploy.control import Tell
from deploy.ending import wait_until_ended
from deploy.environment import of_role
from deploy.stack import endpoints


def demo(context: Context, tell: Tell) -> None:
    """Run the demo. A stack that ran before goes on afterwards, one that was started here is ended.

    Raises StackError when the stack does not get ready or the sample cannot be published.
    """
    started = control.start(context, ())
    try:
        control.wait_ready(context, control.READY_LIMIT_S, tell)
        _publish(context)
        _say_addresses(context, started)
        started = _until_interrupted(context) and started
    finally:
        if started:
            click.echo()
            control.stop(context, click.echo)


def _publish(context: Context) -> None:
    clip = sample.make(context.layout.home / "sample.mp4")
    command = context.command("publish", str(clip), "--title", sample.TITLE)
    variables = {**context.base_environment(), **of_role(context, "client")}
    done = subprocess.run(command, env=variables, check=False)  # noqa: S603 -- our own command
    if done.returncode != 0:
        logs = context.layout.logs
        raise control.StackError(
            f"the sample was not published; logs are in {logs}, begin with api and worker-1"
        )


def _say_addresses(context: Context, started: bool) -> None:
    addresses = endpoints(context.settings)
    click.echo(f"\n  pages    {addresses['api']}/\n  studio   {addresses['api']}/studio")
    click.echo(f"  dagster  {addresses['dagster']}/\n")
    click.echo("Ctrl-C ends the stack." if started else "Ctrl-C ends the demo; the stack goes on.")


def _until_interrupted(context: Context) -> bool:
    """True at INT or TERM, so that `kill` ends the stack as cleanly as Ctrl-C does; False once another
    command has ended the stack. INT is asked for by name: a shell starts what it puts in the background
    with INT ignored, and Python leaves it so."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        wait_until_ended(context.layout.run)
    except KeyboardInterrupt:
        return True
    click.echo("\nthe stack was ended by another command; so ends the demo.")
    return False
