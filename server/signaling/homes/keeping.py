"""What a web process does all the time beside others: says that it is alive, lets go of what others lead, takes what nobody leads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from server.errors import log_unexpected
from server.signaling.arriving import AWAY
from server.signaling.homes.lease import RENEW_S
from server.signaling.homes.seeing import TELL_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from server.signaling.homes.front import Front
    from server.signaling.homes.lease import Homes
    from server.signaling.rooms import Rooms

TAKE_EVERY_S: Final = 1.0


async def stay(rooms: Rooms, homes: Homes) -> None:
    """Renew our lease; a session that is not ours any more is left to whoever has it. Until cancelled."""
    while True:
        await asyncio.sleep(RENEW_S)
        led = rooms.led()  # asked before the database is: what is taken meanwhile is not lost
        await _whatever_comes(_renew(rooms, homes, led))


async def take(rooms: Rooms, homes: Homes, front: Front) -> None:
    """Look whether a session has nobody, and whether those are there who lead the sessions of our lines. Until cancelled."""
    while True:
        await _whatever_comes(_take(rooms, homes, front))
        front.ask_leaders()
        await asyncio.sleep(TAKE_EVERY_S)


async def _renew(rooms: Rooms, homes: Homes, led: set[str]) -> None:
    await rooms.give_up(led - await homes.renew())


async def _take(rooms: Rooms, homes: Homes, front: Front) -> None:
    for session_id in await homes.homeless():
        await rooms.of(session_id)
    if sessions := front.sessions():
        front.check(await homes.leaders(sessions))


async def _whatever_comes(work: Coroutine[Any, Any, None]) -> None:
    """A database that is away is waited for; a defect is told, and the next time is tried again."""
    try:
        await work
    except AWAY:
        pass
    except Exception as error:
        log_unexpected(error)


async def tell(rooms: Rooms) -> None:
    """Tell the others how our sessions stand. Until cancelled."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        rooms.tell_seen()
