"""Checks of a running stack: which services are not well, why, and where to read on."""

from collections.abc import Iterator

from deploy import control
from deploy.context import Context
from deploy.doctor.finding import Finding
from deploy.supervisor.files import last_lines
from deploy.supervisor.state import GOOD

_LINES = 5


def check(context: Context) -> Iterator[Finding]:
    state = control.read_state(context) if control.is_running(context) else None
    if state is None:
        yield Finding("supervisor", "not running: `mcsp up` starts it")
        return
    if state.port_base != context.ports.base:
        yield Finding("supervisor", f"runs with MCSP_PORT_BASE={state.port_base}, not {context.ports.base}",
                      f"Set MCSP_PORT_BASE={state.port_base}, or run `mcsp down` first.")  # fmt: skip
    bad = {name: unit for name, unit in state.units.items() if unit.state not in GOOD}
    for name, unit in bad.items():
        lines = "".join(f"\n      {line}" for line in last_lines(context.layout.log(name), _LINES))
        yield Finding(name, f"{unit.state}: {unit.reason or 'no reason yet'}{lines}",
                      f"Read {context.layout.log(name)}; the supervisor goes on trying.")  # fmt: skip
    if not bad:
        yield Finding("services", f"all {len(state.units)} are well")
