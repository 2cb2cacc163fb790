"""Storage plugs in: space is measured from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.db.pool import in_transaction
from server.keys import POOL
from server.rounds import rounds
from server.signaling.rooms import ROOMS
from server.storage import space

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from server.db import Connection


async def _look(app: web.Application, conn: Connection) -> None:
    app[ROOMS].space_is_low(await space.look(app, conn))


async def _look_first(app: web.Application) -> AsyncIterator[None]:
    await in_transaction(app[POOL], lambda conn: _look(app, conn))
    yield


def add(app: web.Application) -> None:
    """Plug in, behind the rooms, which are told when space ends."""
    app.cleanup_ctx.append(_look_first)
    app.cleanup_ctx.append(rounds("storage space", space.LOOK_EVERY_S, _look))
