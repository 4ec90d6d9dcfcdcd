"""The web service: what it opens, and its descriptor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcsp.health import Check
from mcsp.resources import Resources
from streaming_api.frame.remote import service_client
from streaming_api.frame.service import Service
from streaming_api.web import pages, session, static_files
from streaming_api.web.backend import DEADLINE_S
from streaming_api.web.errors import with_error_pages
from streaming_api.web.state import Web
from streaming_api.web.templating import template_config


@asynccontextmanager
async def open_web(resources: Resources) -> AsyncIterator[Web]:
    """The web service's state while the process runs."""
    options = resources.settings
    async with service_client("api", base_url=options.api_url, timeout_s=DEADLINE_S) as remote:
        yield Web(options, static_files.load(), remote)


async def _api_answers(web: Web) -> None:
    (await web.remote.get("/healthz")).raise_for_status()


SERVICE = Service(
    name="web",
    routes=[pages.home, pages.watch, pages.studio, pages.analytics, static_files.serve, session.router],
    open=open_web,
    checks=lambda web: [Check("api", lambda: _api_answers(web), required=False)],
    configure=lambda config: with_error_pages(template_config(config)),
)
