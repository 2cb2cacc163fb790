"""Messages to staff, and to citizens of whom a phone or an address is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.messages import store
from server.messages.core import Channel, Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schedules.core.explain import Words
    from server.db import Connection

SUBJECT_LENGTH = 200


async def tell_people(
    conn: Connection, people: Iterable[str], kind: str, subject: Words, body: Words, now: datetime
) -> None:
    """One message per member of staff and way, in both languages: by text message and by mail where either is known, else it is only noted.

    Both, because these are urgent: who stands at the post does not read mail, and a phone may be off.
    """
    told = sorted(set(people))
    mail, phones = await store.mail_of(conn, told), await store.phone_of(conn, told)
    heading = f"{subject.zh} · {subject.en}"[:SUBJECT_LENGTH]
    for person in told:
        ways = [(Channel.PHONE, phones.get(person, "")), (Channel.MAIL, mail.get(person, ""))]
        for channel, address in [way for way in ways if way[1]] or [(Channel.LOG, "")]:
            await store.put(conn, Message(channel, address, kind, heading, f"{body.zh}\n\n{body.en}", person), now)


def way_to(mail: str, phone: str) -> tuple[Channel, str]:
    """The way to a citizen: mail first, which costs nothing and holds a link; then a text message."""
    if mail:
        return Channel.MAIL, mail
    return (Channel.PHONE, phone) if phone else (Channel.LOG, "")


def way_by_contact(contact: str) -> tuple[Channel, str]:
    """The way behind one field in which people write either."""
    digits = "".join(sign for sign in contact if sign.isdigit() or sign == "+")
    return way_to(contact.strip() if "@" in contact else "", digits if "@" not in contact else "")
