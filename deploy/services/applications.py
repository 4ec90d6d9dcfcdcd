"""Our own processes: API, workers, relay, sweeper, collector. What they do is their rooms' work.

They start once the databases are migrated, and need no other server to start: each of them can do without
Kafka, Valkey or the object store for a while, and says in ``/readyz`` what it misses.
"""

from deploy import http
from deploy.context import Context
from deploy.environment import of_role
from deploy.supervisor.service import Service

_NEEDS = ("migrate", "bootstrap-buckets", "bootstrap-topics", "valkey")
_COLLECTOR_NEEDS = ("migrate-clickhouse", "bootstrap-buckets", "bootstrap-topics")


def services(context: Context) -> list[Service]:
    ports = context.ports
    return [
        _service(context, "api", "api", ports.api, ("serve",)),
        *(
            _service(context, name, "worker", port, ("worker", "--name", name))
            for name, port in (("worker-1", ports.worker_1), ("worker-2", ports.worker_2))
        ),
        _service(context, "relay", "relay", ports.relay, ("relay",)),
        _service(context, "sweeper", "sweeper", ports.sweeper, ("sweeper",)),
        _service(context, "collector", "collector", ports.collector, ("collector",), needs=_COLLECTOR_NEEDS),
    ]


def _service(
    context: Context,
    name: str,
    role: str,
    port: int,
    arguments: tuple[str, ...],
    needs: tuple[str, ...] = _NEEDS,
) -> Service:
    """Ready when all it depends on answers, alive while it answers itself."""
    return Service(
        name=name,
        command=context.command(*arguments),
        environment={
            **context.base_environment(),
            **of_role(context, role),
            "MCSP_SERVICE_PORT": str(port),
        },
        ready=http.answers(port, "/readyz"),
        alive=http.answers(port, "/healthz"),
        needs=needs,
        ports=(port,),
    )
