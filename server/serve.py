"""The web process: `python -m server.serve FD DATA`, started by the parent (server/supervise).

FD is the listening socket, which stays open in the parent while we restart. The settings come on standard input as JSON once the
database is there; everything slow (imports) is done before they are read. `ready` on standard output says that requests are answered.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import sys

import asyncpg
import uvloop
from aiohttp import web

from server import config, logs
from server.app import build_app
from server.config import ConfigError, Settings
from server.db.migrate import MigrationError, migrate
from server.db.pool import DatabaseAway
from server.supervise.core import EX_CONFIG, EX_UNAVAILABLE

DRAIN_S = (
    3.0  # for requests that are being answered when we are told to stop; a stalled sender is not waited for longer
)

log = logging.getLogger("laizuo.web")


def main(argv: list[str]) -> int:
    listener = socket.socket(fileno=int(argv[0]))
    settings = config.from_json(sys.stdin.buffer.read())
    logs.set_up(settings.log_level)
    try:
        uvloop.run(serve(settings, listener))
    except (MigrationError, ConfigError) as error:
        log.error("%s", error)
        return EX_CONFIG
    except DatabaseAway as error:
        log.error("the database cannot be reached: %s", error)
        return EX_UNAVAILABLE
    return 0


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer requests on `listener` until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await _bring_up_to_date(settings.database_url)
    # No access log: it would hold addresses and, in URLs, tokens
    runner = web.AppRunner(build_app(settings), access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=_tls(settings)).start()
        print("ready", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls is None:
        return None
    from server.tls import server_context  # noqa: PLC0415  # a tenth of a second that plain HTTP need not wait for

    return server_context(settings)


async def _bring_up_to_date(url: str) -> None:
    try:
        await migrate(url)
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError) as error:
        raise DatabaseAway(str(error) or type(error).__name__) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise ConfigError(f"DATABASE_URL: {error}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
