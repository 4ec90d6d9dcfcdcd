"""``mcsp demo``: a stack, a published sample, the addresses, until Ctrl-C."""

import subprocess
from collections.abc import Callable
from functools import partial

import click
import msgspec

from deploy import control, published, sample
from deploy.context import Context
from deploy.ending import wait_until_ended
from deploy.environment import of_role
from deploy.interrupts import Interrupts
from deploy.stack import endpoints, pages
from deploy.waiting import READY_LIMIT_S, Tell, wait_ready


class StartInterruptedError(Exception):
    """The demo was interrupted before it could invite to it; the message says what that left."""


def demo(context: Context, tell: Tell) -> None:
    """Run the demo. A stack that ran before goes on afterwards, one that was started here is ended.

    Raises StackError when the stack does not get ready or the sample cannot be published,
    StartInterruptedError when INT or TERM came before that.
    """
    interrupts, started = Interrupts(), False
    try:
        with interrupts.held():
            started = control.start(context, ())
        wait_ready(context, READY_LIMIT_S, tell)
        shown = published.living(context.layout.home, endpoints(context.settings)["api"]) or _publish(context)
        say = partial(_say_addresses, context, shown, started)
        started = _until_interrupted(context, say) and started
    except KeyboardInterrupt:
        left = "everything is stopped" if started else "the stack that ran before goes on"
        raise StartInterruptedError(f"the start was interrupted; {left}.") from None
    finally:
        if started:
            click.echo()
            control.stop(context, click.echo)


def _publish(context: Context) -> published.Sample:
    clip = sample.make(context.layout.home / "sample.mp4")
    command = context.command("publish", str(clip), "--title", sample.TITLE, "--json")
    variables = {**context.base_environment(), **of_role(context, "client")}
    done = subprocess.run(  # noqa: S603 -- our own command
        command, env=variables, stdout=subprocess.PIPE, check=False, process_group=0
    )  # in a group of its own it does not hear a terminal's Ctrl-C: one command alone says what that means
    if done.returncode != 0:
        raise control.StackError(
            f"the sample was not published{_why(done.stdout)}; logs are in {context.layout.logs}, "
            "begin with api and worker-1"
        )
    item = msgspec.json.decode(done.stdout, type=published.Sample)
    published.remember(context.layout.home, item)
    return item


def _why(said: bytes) -> str:
    failure = msgspec.json.decode(said, type=published.Sample).failure if said else None
    return f": {failure.message} {failure.action}".rstrip(" .") if failure else ""


def _say_addresses(context: Context, shown: published.Sample, started: bool) -> None:
    click.echo(f"\n  {'sample':8} {endpoints(context.settings)['api']}/watch/{shown.media_id}")
    for name, address in pages(context.settings).items():
        click.echo(f"  {name:8} {address}")
    click.echo()
    click.echo("Ctrl-C ends the stack." if started else "Ctrl-C ends the demo; the stack goes on.")


def _until_interrupted(context: Context, say: Callable[[], None]) -> bool:
    """True at an interrupt; False once another command has ended the stack. ``say`` invites the interrupt,
    which may come at once.
    """
    try:
        say()
        wait_until_ended(context.layout.run)
    except KeyboardInterrupt:
        return True
    click.echo("\nthe stack was ended by another command; so ends the demo.")
    return False
