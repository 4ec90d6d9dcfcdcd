"""Promises of ``mcsp doctor``: what stands in the way is named with who holds it and a next step."""

import os
import socket
from pathlib import Path

import pytest

from deploy.context import Context
from deploy.doctor import Finding, examine, leftovers
from deploy.handle import StackHandle, free_port_base
from mcsp.settings import Settings


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context.of(Settings(home=tmp_path / "home", port_base=free_port_base()), only_look=True)


def _about(findings: list[Finding], about: str) -> list[Finding]:
    return [finding for finding in findings if finding.about.startswith(about)]


def test_looking_at_a_stack_that_never_ran_leaves_no_trace(context: Context) -> None:
    assert list(examine(context))
    assert not context.layout.home.exists()


def test_a_port_held_by_somebody_else_is_named_with_its_holder(context: Context) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", context.ports.postgres))
        squatter.listen()
        found = _about(list(leftovers.check(context)), f"port {context.ports.postgres}")
    assert len(found) == 1
    assert f"pid {os.getpid()}" in found[0].seen
    assert "MCSP_PORT_BASE" in found[0].next_step


def test_secrets_that_others_can_read_are_reported(context: Context) -> None:
    context.layout.make()
    open_secret = context.layout.secrets / "valkey"
    open_secret.write_text("secret")
    open_secret.chmod(0o644)
    found = _about(list(examine(context)), "secrets")
    assert [str(open_secret) in finding.seen for finding in found] == [True]
    assert not found[0].good


def test_a_stale_lock_is_mentioned_as_something_up_heals(context: Context) -> None:
    lock = context.layout.data("postgres") / "postmaster.pid"
    lock.parent.mkdir(parents=True)
    lock.write_text("999999999\n")
    found = _about(list(leftovers.check(context)), "postgres lock")
    assert len(found) == 1
    assert "gone" in found[0].seen


@pytest.mark.stack
def test_a_healthy_stack_gets_a_clean_bill(stack: StackHandle) -> None:
    done = stack.run("doctor")
    assert "✓ ports" in done.stdout
    assert "✓ services: all" in done.stdout
