"""The whole stack put together: its services and steps in dependency order, and its addresses."""

from collections.abc import Iterable

from deploy.context import Context
from deploy.environment import environment
from deploy.ports import HOST
from deploy.services import (
    applications,
    buckets,
    clickhouse,
    clickhouse_migrate,
    dagster,
    databases,
    kafka,
    migrate,
    pop,
    postgres,
    s3,
    topics,
    valkey,
)
from deploy.supervisor.service import Step, Unit
from deploy.supervisor.supervisor import closure
from mcsp.settings import Settings

__all__ = ["UnknownServiceError", "endpoints", "environment", "names", "pages", "units"]


class UnknownServiceError(Exception):
    """``--only`` named something that the stack does not have."""


def units(context: Context) -> list[Unit]:
    """All services and steps of the stack, each after what it needs."""
    return [
        postgres.service(context),
        valkey.service(context),
        s3.service(context),
        kafka.service(context),
        clickhouse.service(context),
        databases.step(context),
        buckets.step(context),
        topics.step(context),
        migrate.step(context),
        clickhouse_migrate.step(context),
        pop.service(context, 1),
        *applications.services(context),
        *dagster.services(context),
    ]


def names(all_units: Iterable[Unit], only: Iterable[str]) -> set[str]:
    """The units meant by ``--only``: those named (``dagster``, ``worker``, ``bootstrap`` mean all of theirs),
    all that they need, and each step for which everything is then there. Raises UnknownServiceError."""
    by_name = {unit.name: unit for unit in all_units}
    wanted: set[str] = set()
    for name in only:
        found = {other for other in by_name if name in (other, other.partition("-")[0], "all")}
        if not found:
            raise UnknownServiceError(f"there is no service {name!r}; there are: {', '.join(by_name)}")
        wanted |= found
    needs = {unit.name: unit.needs for unit in by_name.values()}
    wanted |= {need for name in wanted for need in closure(name, needs)}
    for unit in by_name.values():  # in dependency order, so that one pass is enough
        if isinstance(unit, Step) and wanted.issuperset(unit.needs):
            wanted.add(unit.name)
    return wanted


def endpoints(settings: Settings) -> dict[str, str]:
    """Base addresses for programs and checks, by name: a fixed contract."""
    ports = Context.of(settings).ports
    return {
        "api": f"http://{HOST}:{ports.api}",
        "dagster": f"http://{HOST}:{ports.dagster_web}",
        "pop-1": f"http://{HOST}:{ports.pop(1)}",
        "s3": f"http://{HOST}:{ports.s3}",
    }


def pages(settings: Settings) -> dict[str, str]:
    """Addresses for people: what opens shows something."""
    bases = endpoints(settings)
    return {
        "pages": f"{bases['api']}/",
        "studio": f"{bases['api']}/studio",
        "numbers": f"{bases['api']}/studio/analytics",
        "dagster": f"{bases['dagster']}{dagster.LINEAGE}",
    }
