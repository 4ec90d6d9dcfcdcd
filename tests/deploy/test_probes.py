"""Promises of probes: a server that is still starting is said in words, not as a raw error number."""

from collections.abc import Callable

import pytest

from deploy import http
from deploy.handle import free_port_base
from deploy.services import dagster, postgres, valkey
from deploy.supervisor.service import NotReadyError, Probe


@pytest.mark.parametrize(
    "probe_of",
    [
        lambda port: lambda: dagster._listens(port),
        lambda port: http.answers(port, "/healthz"),
        lambda port: lambda: postgres._probe(f"postgresql://nobody@127.0.0.1:{port}/none"),
        lambda port: lambda: valkey._probe(f"redis://127.0.0.1:{port}"),
    ],
    ids=["dagster-code", "http", "postgres", "valkey"],
)
async def test_a_port_that_nobody_listens_on_is_not_listening_yet(probe_of: Callable[[int], Probe]) -> None:
    probe = probe_of(free_port_base())
    with pytest.raises(NotReadyError) as raised:
        await probe()
    assert str(raised.value) == "not listening yet"


async def test_another_fault_keeps_its_own_words() -> None:
    assert str(NotReadyError.of(TimeoutError("slow disk"))) == "slow disk"
