"""What the stack itself costs: time until it is ready from nothing, memory when nobody uses it."""

import psutil

from bench.registry import Row, Rows, at_most, bench
from bench.stack import Stack


@bench("The stack", needs_stack=True, unused=True)
def stack(running: Stack) -> Rows:
    """Seconds of cold start; proportional set size (PSS) of all its processes, in MB."""
    services = running.handle.status().services
    sizes = {name: _pss(service.pid) / 1e6 for name, service in services.items() if service.pid}
    sizes["supervision"] = (
        sum(psutil.Process(pid).memory_full_info().pss for pid in running.handle.supervision()) / 1e6
    )
    biggest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    rows = [Row("idle memory, all services", sum(sizes.values()), "MB", at_most(3000), ", ".join(biggest))]
    if running.cold_start_s is not None:
        rows.insert(0, Row("cold start, empty state", running.cold_start_s, "s", at_most(20)))
    return [*rows, *(Row(f"idle memory, {name}", size, "MB") for name, size in sorted(sizes.items()))]


def _pss(pid: int) -> int:
    """Bytes of a process and all its descendants; what is shared is counted in parts."""
    process = psutil.Process(pid)
    return sum(one.memory_full_info().pss for one in [process, *process.children(recursive=True)])
