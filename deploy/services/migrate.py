"""Step ``migrate``: every owner's schema is brought up to date before the services start."""

from functools import partial

from deploy.context import Context
from deploy.environment import of_role
from deploy.supervisor.service import RunCommand, Step


def step(context: Context) -> Step:
    return Step("migrate", partial(_migrate, context), needs=("bootstrap-databases",))


async def _migrate(context: Context, run: RunCommand) -> None:
    variables = {**context.base_environment(), **of_role(context, "migrate")}
    await run(context.command("migrate"), variables)
