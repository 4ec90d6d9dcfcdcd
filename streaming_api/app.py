"""``create_app("identity")`` makes one service, ``create_app()`` all of them in one process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from mcsp.health import Health
from mcsp.resources import Resources, open_resources
from mcsp.settings import Settings, settings
from streaming_api.frame import callers, operations, problems
from streaming_api.frame.guard import Guard
from streaming_api.frame.keys import key_fetcher
from streaming_api.frame.service import Service
from streaming_api.services import NAMES, load

ACQUIRE_S = 10
"""How long a request waits for a database connection: then it is 503, as all behind it would wait as well."""


def create_app(*names: str, options: Settings | None = None) -> Litestar:
    """The ASGI application of the named services, or of all; ``options`` replaces the settings."""
    services = [load(name) for name in names or NAMES]
    return assemble(services, options or settings())


def assemble(services: list[Service], options: Settings) -> Litestar:
    """Put services into one application: routes, shared resources, guard, problems, schema."""
    process = services[0].name if len(services) == 1 else "api"

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with (
            open_resources(process, options, acquire_s=ACQUIRE_S) as resources,
            AsyncExitStack() as stack,
        ):
            app.state["resources"] = resources
            app.state["health"] = await _open(services, app.state, resources, stack)
            yield

    app = Litestar.from_config(_configured(services, lifespan))
    guard = Guard(app.asgi_handler, process, callers.TokenVerifier(key_fetcher(services, options, app.state)))
    guard.owners = _owners(app)
    app.asgi_handler = guard
    return app


async def _open(services: list[Service], state: State, resources: Resources, stack: AsyncExitStack) -> Health:
    checks = []
    for service in services:
        state[service.name] = await stack.enter_async_context(service.open(resources))
        if service.checks:
            checks += service.checks(state[service.name])
    return Health([*(await resources.checks()), *checks])


def _configured(services: list[Service], lifespan: Callable[[Litestar], Any]) -> AppConfig:
    title = "MCSP " + (services[0].name if len(services) == 1 else "API")
    config = AppConfig(
        route_handlers=[*operations.ROUTES, *(_router(service) for service in services)],
        dependencies={
            **callers.DEPENDENCIES,
            **{service.name: _state_of(service.name) for service in services if service.injected},
        },
        exception_handlers=problems.HANDLERS,
        lifespan=[lifespan],
        logging_config=None,
        request_max_body_size=None,  # the guard reads bodies, with its own limit
        openapi_config=OpenAPIConfig(
            title=title,
            version="1",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        ),
    )
    for service in services:
        config = service.configure(config) if service.configure else config
    return config


def _router(service: Service) -> Router:
    return Router("/", route_handlers=list(service.routes), opt={"service": service.name})


def _state_of(name: str) -> Provide:
    def state_of(state: State, viewer: NamedDependency[callers.Viewer | None]) -> Any:
        """After ``viewer``: Litestar resolves two at once in a task group, which costs 30 µs."""
        return state[name]

    return Provide(state_of, sync_to_thread=False)


def _owners(app: Litestar) -> dict[str, str]:
    """Route template → service, for the labels of metrics and logs."""
    owners: dict[str, str] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if "service" in handler.opt:
                owners[route.path_format] = handler.opt["service"]
    return owners
