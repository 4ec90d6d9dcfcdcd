"""The PoPs: nginx before the private media bucket. Its configuration is ``deploy.pop``'s."""

from functools import partial

from deploy import http
from deploy.context import Context
from deploy.pop.config import PopConfig, command, write_config
from deploy.services import s3
from deploy.supervisor.service import RunCommand, Service


def service(context: Context, number: int) -> Service:
    """Ready when it answers; that its own master lives is the supervisor's part of health."""
    port = context.ports.pop(number)
    config = PopConfig(
        folder=context.layout.data(f"pop-{number}"),
        port=port,
        s3_endpoint=s3.endpoint(context),
        access_key=s3.identity(context, "pop").access_key,
        secret_key=s3.identity(context, "pop").secret_key,
        signing_key=context.credentials.password("path-signing-key"),
        bucket=s3.MEDIA,
    )
    return Service(
        name=f"pop-{number}",
        command=tuple(command(config)),
        environment=context.base_environment(),
        ready=http.answers(port, "/healthz"),
        ports=(port,),
        prepare=partial(_prepare, context, number, config),
    )


async def _prepare(context: Context, number: int, config: PopConfig, _run: RunCommand) -> None:
    context.layout.make_data(f"pop-{number}")
    write_config(config)
