"""``python -m deploy.chdb FOLDER USERS PORT``: serve one data folder on loopback until TERM."""

import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from deploy.chdb.engine import Engine
from deploy.chdb.server import create_app
from deploy.chdb.users import Users
from mcsp.telemetry.logs import configure_logs

HOST = "127.0.0.1"
LONGEST_ADDRESS = 256 * 1024
"""Bytes of a request line: clients send parameters of a query in the address."""


async def _serve(engine: Engine, users: Users, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # The body is decompressed with a bound of its own, lz4 included, which aiohttp does not know.
    runner = web.AppRunner(
        create_app(engine, users), access_log=None, auto_decompress=False, max_line_size=LONGEST_ADDRESS
    )
    await runner.setup()
    await web.TCPSite(runner, HOST, port, shutdown_timeout=2).start()
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    folder, users, port = sys.argv[1:]
    configure_logs("clickhouse")
    engine = Engine(Path(folder))
    asyncio.run(_serve(engine, Users.read(Path(users)), int(port)))
    engine.close()


if __name__ == "__main__":
    main()
