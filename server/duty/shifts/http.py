"""The API of shifts in daily life."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from aiohttp import web

from schedules.core.model import PersonId, SlotKey
from schedules.store import inputs
from server.access.core import Action
from server.access.rates import Rate
from server.access.require import require_site
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.duty.messages import LeaveEntered, PersonText, PublishedView, ReasonText, SlotText
from server.duty.shifts import attendance, swapping
from server.duty.shifts.reseating import SeatRef, reseat
from server.errors import TooMany
from server.keys import SETTINGS
from server.pages import Page, page

if TYPE_CHECKING:
    from schedules.core.explain import People
    from schedules.store.shifts import Presence
    from server.db import Connection

CHECK_IN_RATE: web.AppKey[Rate] = web.AppKey("check_in_rate", Rate)
_Post = Annotated[int, msgspec.Meta(ge=0, le=9)]


class SwapBody(msgspec.Struct, forbid_unknown_fields=True):
    """The seat that one wants to give away; the reason is read by colleagues and the coordinator."""

    site: PersonText
    slot: SlotText
    post: _Post = 0
    reason: ReasonText = ""


class SubstituteBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who serves this seat from now on, published at once. `absent`: the holder did not come."""

    slot: SlotText
    person: PersonText
    post: _Post = 0
    reason: ReasonText = ""
    absent: bool = False


class CheckInBody(msgspec.Struct, forbid_unknown_fields=True):
    """The six digits on the screen at the post."""

    code: Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]


class CodeView(msgspec.Struct):
    """What a device shows; it asks again every minute."""

    code: str


class ShiftView(msgspec.Struct):
    """One seat of a shift; instants."""

    slot: str
    post: int
    service: str
    role: str
    start: str
    end: str


class MissingView(msgspec.Struct):
    """A seat whose holder has not been seen, and who could step in."""

    shift: ShiftView
    person: str
    name_zh: str
    name_en: str
    next_in_line: list[NextView]


class NextView(msgspec.Struct):
    """Somebody who can serve it now."""

    person: str
    name_zh: str
    name_en: str


def _base_url(call: Call[SubstituteBody] | Call[None]) -> str:
    return call.app[SETTINGS].public_url.rstrip("/")


def _shift(seat: Presence) -> ShiftView:
    start, end = seat.during.start.isoformat(), seat.during.end.isoformat()
    return ShiftView(seat.slot, seat.post, seat.service, seat.role, start, end)


async def ask_swap(call: Call[SwapBody]) -> LeaveEntered:
    """Offer one's own seat to colleagues."""
    seat = SeatRef(SlotKey(call.body.slot), call.body.post)

    async def work(conn: Connection) -> str:
        return await swapping.ask(conn, call.actor, call.body.site, seat, call.body.reason.strip(), call.now)

    return LeaveEntered(await in_transaction(call.pool, work))


async def take_swap(call: Call[None]) -> None:
    """Take a colleague's seat; the coordinator still has to agree."""

    async def work(conn: Connection) -> None:
        await swapping.take(conn, call.actor, call.path("swap"), call.now)

    await in_transaction(call.pool, work)


async def approve_swap(call: Call[None]) -> PublishedView:
    """Agree: the taker is published."""

    async def work(conn: Connection) -> int:
        return await swapping.approve(conn, call.actor, call.path("swap"), _base_url(call), call.now)

    return PublishedView(await in_transaction(call.pool, work), True, 1)


async def refuse_swap(call: Call[None]) -> None:
    """Do not agree: the asker serves."""

    async def work(conn: Connection) -> None:
        await swapping.refuse(conn, call.actor, call.path("swap"), call.now)

    await in_transaction(call.pool, work)


async def withdraw_swap(call: Call[None]) -> None:
    """Serve oneself after all."""

    async def work(conn: Connection) -> None:
        await swapping.withdraw(conn, call.actor, call.path("swap"), call.now)

    await in_transaction(call.pool, work)


async def substitute(call: Call[SubstituteBody]) -> PublishedView:
    """Put somebody into a seat at once, in an emergency."""
    body = call.body
    seat = SeatRef(SlotKey(body.slot), body.post)

    async def work(conn: Connection) -> int:
        site = await require_site(conn, call.actor, Action.PUBLISH_ROSTER, call.path("site"))
        if body.absent:
            await attendance.mark_absent(conn, call.actor, site.id, seat, call.now)
        who, reason = PersonId(body.person), body.reason.strip()
        return await reseat(conn, call.actor, site, seat, who, reason, _base_url(call), call.now)

    return PublishedView(await in_transaction(call.pool, work), True, 1)


async def check_in(call: Call[CheckInBody]) -> ShiftView:
    """Say that one is at the post."""
    if wait := call.app[CHECK_IN_RATE].take(call.actor.id or "", time.monotonic()):
        raise TooMany(wait)

    async def work(conn: Connection) -> Presence:
        return await attendance.check_in(conn, call.actor, call.body.code, call.now)

    return _shift(await in_transaction(call.pool, work))


async def check_in_code(call: Call[None]) -> CodeView:
    """The digits for this device's screen."""
    async with call.connection() as conn:
        return CodeView(await attendance.code_of(conn, call.actor, call.path("endpoint"), call.now))


async def check_in_page(call: Call[None]) -> web.StreamResponse:
    """The digits on a screen at the post, large; the page comes again every minute by itself."""
    async with call.connection() as conn:
        code = await attendance.code_of(conn, call.actor, call.path("endpoint"), call.now)
    return page(call, "duty/code.html", code=code)


async def missing(call: Call[None]) -> list[MissingView]:
    """Who has not been seen at a site, with who is next in line."""
    async with call.connection() as conn:
        found = await attendance.find_missing(conn, call.actor, call.path("site"), call.now)
        people = await inputs.name_people(conn, {p for one in found for p in (one.seat.person, *one.next_in_line)})
    return [_missing_view(one, people) for one in found]


def _missing_view(one: attendance.Missing, people: People) -> MissingView:
    named = [NextView(who, people[who].zh, people[who].en) for who in one.next_in_line]
    name = people[one.seat.person]
    return MissingView(_shift(one.seat), one.seat.person, name.zh, name.en, named)


_OWN, _EDIT = Action.OWN_DUTY, Action.PUBLISH_ROSTER
OPERATIONS = [
    Operation("POST", "/api/swaps", ask_swap, _OWN, "Offer a shift of one's own", body=SwapBody, reply=LeaveEntered),
    Operation("POST", "/api/swaps/{swap}/take", take_swap, _OWN, "Take an offered shift"),
    Operation("DELETE", "/api/swaps/{swap}", withdraw_swap, _OWN, "Serve oneself after all"),
    Operation("POST", "/api/swaps/{swap}/approve", approve_swap, _EDIT, "Approve a swap", reply=PublishedView),
    Operation("POST", "/api/swaps/{swap}/refuse", refuse_swap, _EDIT, "Refuse a swap"),
    Operation(
        "POST",
        "/api/rosters/{site}/substitutes",
        substitute,
        _EDIT,
        "Put somebody into a published seat at once",
        body=SubstituteBody,
        reply=PublishedView,
    ),
    Operation("POST", "/api/check-in", check_in, _OWN, "Check in at the post", body=CheckInBody, reply=ShiftView),
    Operation(
        "GET",
        "/api/kiosk/{endpoint}/check-in-code",
        check_in_code,
        Action.SEE_OWN_TICKET,
        "The digits that staff check in with",
        reply=CodeView,
    ),
    Operation(
        "GET",
        "/api/rosters/{site}/missing",
        missing,
        Action.SEE_ROSTER_BOARD,
        "Who has not come, and who is next in line",
        reply=list[MissingView],
    ),
]
PAGES = [Page("/kiosk/{endpoint}/check-in", check_in_page, Action.SEE_OWN_TICKET)]
