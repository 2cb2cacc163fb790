"""A kiosk's quick answers, and its tickets from the time without a connection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from server.access.core import Action
from server.access.identify import endpoint_cookie
from server.access.require import require_own
from server.api import Call, Operation
from server.tickets import offline, service, store
from server.waiting.desk_http import Done

Instant = Annotated[float, msgspec.Meta(ge=0, le=32_503_680_000)]  # unix seconds; up to the year 3000
QuickAnswer = Literal["coming", "one_minute", "need_help", "yes", "no"]
LONGEST_ABSENCE = 400  # tickets in one hand-in: all blocks of one kiosk


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """One tap."""

    code: QuickAnswer


class BlockShown(msgspec.Struct):
    """Numbers this kiosk may give out for one line, from `first` to `last`: letter and count, as on any ticket."""

    block: str
    service: str
    letter: str
    day: str
    first: int
    last: int


class OfflineKit(msgspec.Struct):
    """What a kiosk keeps for the time without a connection. `signature`: HMAC-SHA-256 of the exact bytes of `roster`."""

    blocks: list[BlockShown]
    roster: str
    signature: str


class TicketOffline(msgspec.Struct, forbid_unknown_fields=True):
    """One number given out; `taken_at` by the device's clock."""

    count: int
    taken_at: Instant
    citizen_name: Annotated[str, msgspec.Meta(max_length=80)] = ""
    priority_group: Literal["", "elderly", "disabled", "minor"] = ""


class HandIn(msgspec.Struct, forbid_unknown_fields=True):
    """What one block gave out. `lost_at`, `device_now`: by the device's clock, when the line went down and now."""

    block: str
    lost_at: Instant
    device_now: Instant
    tickets: Annotated[list[TicketOffline], msgspec.Meta(max_length=LONGEST_ABSENCE)]


class MergedShown(msgspec.Struct):
    """A ticket that is in line. `was_known`: it had been handed in before."""

    ticket: str
    number: str
    was_known: bool


class HandedIn(msgspec.Struct):
    """All of them, in the order of their numbers, and the gap that the trail keeps."""

    tickets: list[MergedShown]
    gap_s: float


async def answer(call: Call[Answer]) -> Done:
    """A quick answer to staff."""
    require_own(call.actor, Action.SEE_OWN_TICKET, call.actor.id)
    async with call.connection() as conn:
        ticket = await store.live_of_endpoint(conn, str(call.actor.id))
        await service.answer(conn, call.actor, ticket, call.body.code, call.now)
    return Done()


async def kit(call: Call[None]) -> OfflineKit:
    """Today's numbers and today's signed roster; asked for at start and each morning."""
    async with call.connection() as conn:
        found = await offline.blocks(conn, call.actor, call.now)
        roster = await offline.todays_roster(conn, [line for line, _ in found], call.now)
    credential = call.request.cookies.get(endpoint_cookie(str(call.actor.id)), "")
    shown = [
        BlockShown(one.id, line.service, line.letter, one.day.isoformat(), one.first, one.last) for line, one in found
    ]
    return OfflineKit(shown, roster.decode(), offline.sign(roster, credential))


async def hand_in(call: Call[HandIn]) -> HandedIn:
    """Tickets given out without a connection, into the line where they would stand had it been up."""
    body = call.body
    given = [offline.OfflineTicket(t.count, _at(t.taken_at), t.citizen_name, t.priority_group) for t in body.tickets]
    gap = offline.Gap(_at(body.lost_at), _at(body.device_now))
    async with call.connection() as conn:
        merged = await offline.merge(conn, call.actor, body.block, given, gap, call.now)
    shown = [MergedShown(one.ticket, one.number, one.was_known) for one in merged]
    return HandedIn(shown, round(body.device_now - body.lost_at, 3))


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_AT: Any = "/api/kiosk/{endpoint}"
OPERATIONS = [
    Operation(
        "POST", f"{_AT}/answers", answer, Action.SEE_OWN_TICKET, "A quick answer to staff", body=Answer, reply=Done
    ),
    Operation("GET", f"{_AT}/offline", kit, Action.TAKE_TICKET, "Numbers and roster for the time offline", reply=OfflineKit),
    Operation(
        "POST", f"{_AT}/offline-tickets", hand_in, Action.TAKE_TICKET, "Hand in tickets given out offline",
        body=HandIn, reply=HandedIn, status=201,
    ),
]  # fmt: skip
