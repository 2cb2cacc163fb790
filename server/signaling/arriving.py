"""From a token that opened a seat to a line in its session: the same way for a page's socket and for a device over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg

from server.db.pool import CommitUnknown, DatabaseAway
from server.mediaplane.reach.bus import BusAway
from server.sessions import seats
from server.signaling.room.session import Arrival

if TYPE_CHECKING:
    from server.signaling.line import RoomLine
    from server.signaling.loop import SessionLoop
    from server.signaling.messages import AnyClientMessage
    from server.signaling.rooms import Rooms

JOIN_PATIENCE_S: Final = 3.0
# What a database that is away looks like to who wants in: told to come again.
AWAY: Final = (
    DatabaseAway,
    CommitUnknown,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class LineSession(Protocol):
    """What a session is to a line, wherever it is led."""

    def receive(self, line: RoomLine, message: AnyClientMessage) -> None:
        """What the page says."""

    def drop_line(self, line: RoomLine) -> None:
        """The line is gone."""


async def arrive(rooms: Rooms, line: RoomLine, entry: seats.Entry, media: bool) -> LineSession | seats.NoEntry:
    """Seat a line, or put it before the door, here or at the web process that leads its session. Raises what AWAY names."""
    loop = await rooms.of(entry.session_id)
    if loop is None and (leader := await rooms.leader(entry.session_id)):
        return await rooms.arrive_at(leader, line, entry, media)
    if loop is None:
        return seats.NoEntry("ended")
    return await seat(rooms, loop, line, entry, media)


async def seat(
    rooms: Rooms, loop: SessionLoop, line: RoomLine, entry: seats.Entry, media: bool
) -> SessionLoop | seats.NoEntry:
    """The same in a session that this process leads. Raises what AWAY names."""
    if over := _over(loop):
        return over
    known = loop.session.people.get(entry.seat)
    facts = known.facts if known else await rooms.seat_facts(entry.session_id, entry.seat)
    if facts is None:
        return seats.NoEntry("bad_token")
    if over := _over(loop):
        return over
    arrival = Arrival(
        replace(facts, connection=entry.connection), entry.resume, entry.resumed, media, rooms.ice_servers(entry.seat)
    )
    loop.add_line(line)
    loop.take(lambda session, now: session.arrive(line.number, arrival, now), line.number)
    return loop


def _over(loop: SessionLoop) -> seats.NoEntry | None:
    """Raises BusAway: the session goes on, and this process leads it no more."""
    if not loop.is_over:
        return None
    if loop.session.state == "ended":
        return seats.NoEntry("ended")
    raise BusAway("the session is being handed over")
