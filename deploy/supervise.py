"""The supervisor's process, ``python -m deploy.supervise``, started by ``deploy.supervisor.daemon``.

TERM stops everything in order and ends with 0. Services wanted later (``mcsp up --only``) are started.
"""

import asyncio
import os
import signal

import structlog

from deploy import wanted
from deploy.context import Context
from deploy.stack import units
from deploy.supervisor import files
from deploy.supervisor.children import Children
from deploy.supervisor.service import Service
from deploy.supervisor.sessions import Sessions
from deploy.supervisor.state import StackState
from deploy.supervisor.supervisor import Supervisor
from deploy.supervisor.surroundings import Surroundings
from mcsp.settings import settings

log = structlog.get_logger()

_HOUSEKEEPING_S = 1.0


def sessions_of(context: Context) -> Sessions:
    """The record of sessions of a stack."""
    all_units = units(context)
    folders = [unit.folder for unit in all_units if isinstance(unit, Service) and unit.folder is not None]
    return Sessions(context.layout.run / "sessions.json", context.layout.home, folders)


async def supervise(context: Context) -> None:
    """Run what is wanted until TERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    context.layout.make()
    files.remove_drafts(context.layout.run)
    sessions = sessions_of(context)
    ended = sessions.end_leftovers()
    log.info("supervising", home=str(context.layout.home), port_base=context.ports.base, ended=len(ended))
    state = StackState(os.getpid(), context.ports.base)
    supervisor: Supervisor
    around = Surroundings(
        context.layout.home, Children(), sessions, context.layout.log, lambda: supervisor.write_state()
    )
    supervisor = Supervisor(around, state, context.layout.run / "state.json")
    keeper = asyncio.create_task(_keep_house(context, supervisor))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await asyncio.wait({keeper, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    keeper.cancel()
    await supervisor.stop()
    sessions.end_leftovers()
    log.info("stopped")


async def _keep_house(context: Context, supervisor: Supervisor) -> None:
    """Start what is wanted by now, end orphans; again and again."""
    while True:
        supervisor.add(wanted.units_wanted(context))
        await asyncio.sleep(_HOUSEKEEPING_S)
        supervisor.end_orphans()


def main() -> None:
    context = Context.of(settings())
    context.layout.logs.mkdir(parents=True, exist_ok=True)
    for unit in units(context):
        files.rotate(context.layout.log(unit.name))
    asyncio.run(supervise(context))


if __name__ == "__main__":
    main()
