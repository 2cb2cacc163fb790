"""The absence alarm's way to people: every half minute one web process looks who has not come, and tells it.

Told once: whoever is missed, and the site's coordinators. Asked to step in, one after the other, `ASK_NEXT_AFTER` apart: the next in line.
Stepping in itself is the coordinator's press on the board, because it changes the public roster.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from schedules.core.explain import Language, Words, clock, name_of, role_name, service_name
from schedules.core.model import Interval, SiteId
from schedules.store import inputs, shifts
from server.db.statements import load_statements
from server.duty.shifts.attendance import GRACE, next_in_line
from server.errors import NotFound
from server.keys import CLOCK
from server.messages.people import tell_people
from server.rounds import rounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiohttp import web

    from schedules.core.explain import People
    from schedules.core.feeds import Place
    from schedules.core.model import PersonId
    from schedules.store.shifts import Presence
    from server.db import Connection

EVERY_S = 30.0
ASK_NEXT_AFTER = timedelta(minutes=10)  # time to read a message and to answer the coordinator

_SQL = load_statements("server.duty")
_YOU_ARE_MISSED = Words("您的值班已开始，还没有签到", "Your duty has begun and you have not checked in")
_SOMEBODY_IS_MISSED = Words("有人没有到岗", "Somebody has not come to the post")
_CAN_YOU = Words("能请您替班吗？请联系协调员", "Can you step in? Please call the coordinator")


async def make_round(conn: Connection, now: datetime) -> None:
    """One whole round, inside the caller's transaction; nothing while another process makes one."""
    if not await conn.fetchval(_SQL["try_absences"]):
        return
    watched = [SiteId(row["id"]) for row in await conn.fetch(_SQL["watched_sites"], now)]
    for seat in await shifts.load_presence(conn, Interval(now, now + timedelta(seconds=1)), watched):
        if seat.is_missing(now, GRACE) and seat.state is None:  # marked absent: the coordinator knows
            with contextlib.suppress(
                NotFound
            ):  # another roster was published between two reads: the next round sees it
                async with conn.transaction():
                    await _raise(conn, seat, now)


async def _raise(conn: Connection, seat: Presence, now: datetime) -> None:
    key = (seat.site, seat.slot, seat.post, seat.person)
    is_new = bool(await conn.fetchval(_SQL["raise_absence"], *key, now))
    known = await conn.fetchrow(_SQL["load_absence"], *key)
    assert known is not None
    is_due = known["asked_at"] is None or known["asked_at"] + ASK_NEXT_AFTER <= now
    waiting = [who for who in await next_in_line(conn, seat) if who not in known["asked"]] if is_due else []
    named = await inputs.name_people(conn, [seat.person, *waiting[:1]])
    places = await inputs.name_sites(conn, [seat.site])
    if is_new:
        await _tell(conn, [seat.person], "you_are_missed", _YOU_ARE_MISSED, _lines(seat, places[seat.site], named), now)
        await _tell_coordinators(conn, seat, waiting, _lines(seat, places[seat.site], named), named, now)
    if waiting:
        await _tell(conn, waiting[:1], "can_you_step_in", _CAN_YOU, _lines(seat, places[seat.site], named), now)
        await conn.execute(_SQL["note_asked"], *key, waiting[0], now)


async def _tell_coordinators(
    conn: Connection, seat: Presence, waiting: Sequence[PersonId], lines: Words, named: People, now: datetime
) -> None:
    asked = Words("没有人可以替班", "nobody can step in")
    if waiting:
        name = {language: name_of(named, waiting[0], language) for language in Language}
        asked = Words(f"先问替班：{name[Language.ZH]}", f"asked first to step in: {name[Language.EN]}")
    told = [row["id"] for row in await conn.fetch(_SQL["coordinators_of"], seat.site)]
    body = Words(f"{lines.zh}\n{asked.zh}", f"{lines.en}\n{asked.en}")
    await _tell(conn, told, "somebody_is_missed", _SOMEBODY_IS_MISSED, body, now)


def _lines(seat: Presence, place: Place, named: People) -> Words:
    """Who, where, which duty."""

    def say(language: Language) -> str:
        times = f"{clock(seat.during.start)}-{clock(seat.during.end)}"
        duty = f"{service_name(seat.service, language)} {role_name(seat.role, language)}"
        return f"{name_of(named, seat.person, language)} · {place.name[language]} · {times} · {duty}"

    return Words(say(Language.ZH), say(Language.EN))


async def _tell(
    conn: Connection, people: Sequence[str], kind: str, subject: Words, lines: Words, now: datetime
) -> None:
    body = Words(f"{subject.zh}\n{lines.zh}", f"{subject.en}\n{lines.en}")
    await tell_people(conn, people, kind, subject, body, now)


async def _make_round(app: web.Application, conn: Connection) -> None:
    await make_round(conn, app[CLOCK]())


keep_going = rounds("absences", EVERY_S, _make_round)
