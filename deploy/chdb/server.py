"""ClickHouse's HTTP interface as its clients use it: ``POST /`` and ``GET /ping``, with users."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import structlog
from aiohttp import web

from deploy.chdb import bodies
from deploy.chdb.engine import READERS, WRITERS, Engine, EngineError
from deploy.chdb.statements import parse
from deploy.chdb.users import User, Users

log = structlog.get_logger()

_STATUS = {497: 403, 164: 403, 60: 404, 81: 404, 62: 400, 202: 503}
"""HTTP status by ClickHouse's error number; any other error is a 500, as ClickHouse has it."""

ENGINE = web.AppKey("engine", Engine)
USERS = web.AppKey("users", Users)
THREADS = web.AppKey("threads", ThreadPoolExecutor)


def create_app(engine: Engine, users: Users) -> web.Application:
    """The application over an opened engine."""
    app = web.Application(client_max_size=bodies.LARGEST)
    app[ENGINE], app[USERS] = engine, users
    app[THREADS] = ThreadPoolExecutor(2 * (READERS + WRITERS), thread_name_prefix="statement")
    app.router.add_get("/ping", _ping)
    app.router.add_get("/", _answer)
    app.router.add_post("/", _answer)
    return app


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _answer(request: web.Request) -> web.Response:
    user = request.app[USERS].find(request.headers)
    if user is None:
        return _refusal(516, 403, "Authentication failed: password is incorrect, or there is no such user.")
    body = await request.read()
    loop = asyncio.get_running_loop()
    try:
        answer = await loop.run_in_executor(request.app[THREADS], _run, request, user, body)
    except EngineError as error:
        return _refusal(error.code, _STATUS.get(error.code, 500), str(error))
    except (bodies.BodyError, UnicodeDecodeError) as error:
        return _refusal(27, 400, f"Cannot parse input: {error}")
    return web.Response(body=answer, headers={"X-ClickHouse-Timezone": "UTC"})


def _run(request: web.Request, user: User, body: bytes) -> bytes:
    asked = bodies.plain(body, request.headers.get("Content-Encoding", ""))
    if "query" in request.query:
        asked = request.query["query"].encode() + b"\n" + asked
    parameters = {
        name.removeprefix("param_"): value
        for name, value in request.query.items()
        if name.startswith("param_")
    }
    statement = parse(asked, request.query.get("default_format", "TabSeparated"))
    return request.app[ENGINE].run(statement, user.right, parameters)


def _refusal(code: int, status: int, message: str) -> web.Response:
    log.info("refused", code=code, status=status, message=message[:500])
    text = message if message.startswith("Code: ") else f"Code: {code}. DB::Exception: {message}"
    return web.Response(status=status, text=text, headers={"X-ClickHouse-Exception-Code": str(code)})
