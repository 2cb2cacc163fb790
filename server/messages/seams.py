"""What other parts leave to messages: a line that nobody calls from, an appointment that is near. In their transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedules.core.explain import Language, Words, clock, day_name, local_day, service_name, weekday_name
from server.bookings.rounds import REMIND
from server.keys import CLOCK
from server.messages import store
from server.messages.core import Message
from server.messages.people import tell_people, way_by_contact
from server.tickets.rounds import TELL_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from server.bookings.service import Remind
    from server.bookings.store import Booking
    from server.db import Connection
    from server.tickets.rounds import TellPeople

_NOBODY_CALLS = Words("有人在等，还没有人叫号", "Somebody waits and nobody calls")
_APPOINTMENT = Words("预约提醒", "Your appointment")


def teller(app: web.Application) -> TellPeople:
    """What the steward of the hall calls when it raises an alert; the time is asked for then."""

    async def tell(conn: Connection, people: Sequence[str], level: int, area: str, ticket: str) -> None:
        row = await conn.fetchrow(store.QUERIES["line_of_alert"], area, ticket)
        if row is None:
            return
        lines = [
            f"{row[f'name_{short}']} · {service_name(row['service'], language)} · {row['number']}"
            for language, short in ((Language.ZH, "zh"), (Language.EN, "en"))
        ]
        body = Words(f"{_NOBODY_CALLS.zh}\n{lines[0]}", f"{_NOBODY_CALLS.en}\n{lines[1]}")
        await tell_people(
            conn, people, "hall_alert" if level == 1 else "hall_alert_next", _NOBODY_CALLS, body, app[CLOCK]()
        )

    return tell


def reminder(app: web.Application) -> Remind:
    """What the rounds of appointments call a day before: the professional and the citizen are told."""

    async def remind(conn: Connection, booking: Booking) -> None:
        body = Words(_lines(booking, Language.ZH), _lines(booking, Language.EN))
        now = app[CLOCK]()
        await tell_people(conn, [booking.professional_id], "appointment", _APPOINTMENT, body, now)
        if booking.citizen_contact:
            channel, address = way_by_contact(booking.citizen_contact)
            subject = f"{_APPOINTMENT.zh} · {_APPOINTMENT.en}"
            text = f"{body.zh}\n\n{body.en}"
            await store.put(conn, Message(channel, address, "appointment", subject, text), now)

    return remind


def _lines(booking: Booking, language: Language) -> str:
    day = local_day(booking.start)
    when = f"{day_name(day, language)} {weekday_name(day, language)} {clock(booking.start)}-{clock(booking.end)}"
    is_zh = language is Language.ZH
    who = booking.professional_zh if is_zh else booking.professional_en
    place = booking.place_zh if is_zh else booking.place_en
    room = booking.room_zh if is_zh else booking.room_en
    where = " ".join(part for part in (place, room) if part)
    return "\n".join((_APPOINTMENT[language], when, service_name(booking.service, language), who, where))


def add(app: web.Application) -> None:
    """Put both in."""
    app[TELL_PEOPLE] = teller(app)
    app[REMIND] = reminder(app)
