"""Step ``migrate-clickhouse``: the tables of ``warehouse`` are brought up to date."""

from functools import partial

from deploy.context import Context
from deploy.environment import of_role
from deploy.supervisor.service import RunCommand, Step


def step(context: Context) -> Step:
    return Step("migrate-clickhouse", partial(_migrate, context), needs=("clickhouse",))


async def _migrate(context: Context, run: RunCommand) -> None:
    variables = {**context.base_environment(), **of_role(context, "clickhouse-migrate")}
    await run(context.command("warehouse", "migrate"), variables)
