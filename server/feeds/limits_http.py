"""The API of one's own legal limits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec

from schedules.core.clocks import run_words
from schedules.core.explain import Language
from schedules.core.limits import RULES, run_of
from server.access.core import Action
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.feeds import limits
from server.feeds.links import subscription
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schedules.core.calendar_days import Calendar
    from schedules.core.limits import Case
    from server.db import Connection


class LimitBody(msgspec.Struct, forbid_unknown_fields=True):
    """A clock that started: its kind, the case's number (never a name), and the day of the event."""

    rule: str
    reference: Annotated[
        str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z〔〕()（）年字第号\- /]+$")
    ]
    starts: dt.date


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    """The first day on which it stands still, and why."""

    first: dt.date
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class ResumeBody(msgspec.Struct, forbid_unknown_fields=True):
    """The last day on which it stood still."""

    last: dt.date


class LimitView(msgspec.Struct):
    """One limit with its arithmetic in words. `due` null: it stands still, with `left` days to go."""

    id: str
    rule: str
    name: str
    reference: str
    starts: dt.date
    due: dt.date | None
    left: int
    is_done: bool
    status: str
    arithmetic: str


class LimitLinks(msgspec.Struct):
    """A new link of the calendar of one's limits; told this once."""

    https: str
    webcal: str
    qr: str


def _view(case: Case, calendar: Calendar, language: Language) -> LimitView:
    ran = run_of(case, calendar)
    said = (ran.due, ran.left, case.ended_on is not None, ran.status.value, run_words(ran, language))
    return LimitView(case.id, case.rule, RULES[case.rule].name[language], case.reference, case.starts, *said)


async def list_limits(call: Call[None]) -> list[LimitView]:
    """One's own limits, the oldest first."""
    language = Language(language_of(call.request))
    async with call.connection() as conn:
        cases, calendar = await limits.own_cases(conn, call.actor)
    return [_view(case, calendar, language) for case in cases]


async def add_limit(call: Call[LimitBody]) -> list[LimitView]:
    """Start a clock."""
    body = call.body

    async def work(conn: Connection) -> None:
        await limits.add_limit(conn, call.actor, body.rule, body.reference.strip(), body.starts, call.now)

    return await _after(call, work)


async def pause_limit(call: Call[PauseBody]) -> list[LimitView]:
    """Stop a clock, with the reason."""
    body, limit = call.body, call.path("limit")

    async def work(conn: Connection) -> None:
        await limits.pause_limit(conn, call.actor, limit, body.first, body.reason.strip(), call.now)

    return await _after(call, work)


async def resume_limit(call: Call[ResumeBody]) -> list[LimitView]:
    """Let it go on."""
    limit = call.path("limit")

    async def work(conn: Connection) -> None:
        await limits.resume_limit(conn, call.actor, limit, call.body.last, call.now)

    return await _after(call, work)


async def end_limit(call: Call[None]) -> list[LimitView]:
    """What it was for is done."""

    async def work(conn: Connection) -> None:
        await limits.end_limit(conn, call.actor, call.path("limit"), call.now)

    return await _after(call, work)


async def _after(
    call: Call[None] | Call[LimitBody] | Call[PauseBody] | Call[ResumeBody],
    work: Callable[[Connection], Awaitable[None]],
) -> list[LimitView]:
    async def both(conn: Connection) -> tuple[tuple[Case, ...], Calendar]:
        await work(conn)
        return await limits.own_cases(conn, call.actor)

    cases, calendar = await in_transaction(call.pool, both)
    language = Language(language_of(call.request))
    return [_view(case, calendar, language) for case in cases]


async def rotate_limits_link(call: Call[None]) -> LimitLinks:
    """Make the link of one's limits anew; the old one ends."""

    async def work(conn: Connection) -> str:
        return await limits.rotate_limits_link(conn, call.actor, call.now)

    secret = await in_transaction(call.pool, work)
    links = subscription(call.app[SETTINGS].public_url, secret, language_of(call.request))
    return LimitLinks(links.https, links.webcal, links.qr)


async def revoke_limits_link(call: Call[None]) -> None:
    """End the link of one's limits."""

    async def work(conn: Connection) -> None:
        await limits.revoke_limits_link(conn, call.actor, call.now)

    await in_transaction(call.pool, work)


_ONE = "/api/limits/{limit}"
_OWN, _ALL = Action.OWN_FEED, list[LimitView]
OPERATIONS = [
    Operation("GET", "/api/limits", list_limits, _OWN, "One's own legal limits", reply=_ALL),
    Operation("POST", "/api/limits", add_limit, _OWN, "Start a legal clock", body=LimitBody, reply=_ALL),
    Operation("POST", _ONE + "/pause", pause_limit, _OWN, "Stop a legal clock", body=PauseBody, reply=_ALL),
    Operation("POST", _ONE + "/resume", resume_limit, _OWN, "Let it go on", body=ResumeBody, reply=_ALL),
    Operation("POST", _ONE + "/end", end_limit, _OWN, "What it was for is done", reply=_ALL),
    Operation("POST", "/api/feeds/limits", rotate_limits_link, _OWN, "A link of one's limits", reply=LimitLinks),
    Operation("DELETE", "/api/feeds/limits", revoke_limits_link, _OWN, "End the link of one's limits"),
]
