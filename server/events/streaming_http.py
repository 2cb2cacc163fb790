"""A lecture's room over HTTP, and what the lecture's page shows of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from schedules.core.lectures import CHECK_IN_OPENS
from schedules.core.public_events import EventKind
from server.access.core import Action
from server.access.identify import ENDPOINT_COOKIE
from server.access.require import require_site
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.errors import NotAllowed
from server.events import streaming

if TYPE_CHECKING:
    from schedules.core.public_events import PublicEvent
    from server.db import Connection


class LectureRoom(msgspec.Struct):
    """Where to go: the speaker's room, or a personal link into it."""

    url: str


@dataclass(frozen=True, slots=True)
class RoomOfLecture:
    """What the page offers: the open room, whether this reader may open it, and the devices this browser speaks for."""

    running: streaming.Running | None
    may_open: bool
    devices: tuple[str, ...]
    listened: tuple[streaming.ListeningRoom, ...]


async def open_lecture(call: Call[None]) -> LectureRoom:
    """Open the lecture's room as its speaker."""

    async def work(conn: Connection) -> str:
        return await streaming.open_room(conn, call.actor, call.path("event"), CHECK_IN_OPENS, call.now)

    return LectureRoom(f"/room/{await in_transaction(call.pool, work)}")


async def attend_lecture(call: Call[None]) -> LectureRoom:
    """A village room listens: it waits at the door until the speaker says yes, and everybody sees it."""

    async def work(conn: Connection) -> str:
        return await streaming.listen(conn, call.actor, call.path("endpoint"), call.path("event"), call.now)

    return LectureRoom(f"/join/{await in_transaction(call.pool, work)}")


async def room_of(conn: Connection, call: Call[None], event: PublicEvent) -> RoomOfLecture | None:
    """None where there is nothing to offer: no lecture, called off."""
    if event.kind is not EventKind.LECTURE or not event.is_on:
        return None
    running = await streaming.running_room(conn, event.id)
    during = event.content.during
    may_open = False
    if during.start - CHECK_IN_OPENS <= call.now < during.end and call.actor.kind == "person":
        with contextlib.suppress(NotAllowed):
            await require_site(conn, call.actor, Action.OPEN_LECTURE, event.content.site)
            may_open = running is None or running.in_charge == call.actor.id
    found = (streaming.device_of(name, ENDPOINT_COOKIE) for name in call.request.cookies)
    devices = tuple(sorted(device for device in found if device)) if running else ()
    listened = tuple(await streaming.rooms_that_listened(conn, event.id))
    return RoomOfLecture(running, may_open, devices, listened)


OPERATIONS = [
    Operation(
        "POST",
        "/api/events/{event}/room",
        open_lecture,
        Action.OPEN_LECTURE,
        "Open a lecture's room",
        reply=LectureRoom,
    ),
    Operation(
        "POST",
        "/api/kiosk/{endpoint}/lectures/{event}",
        attend_lecture,
        Action.ATTEND_LECTURE,
        "Listen to a lecture in a village room",
        reply=LectureRoom,
    ),
]
