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
    """One message per member of staff, in both languages: by mail where an address is known, else it is only noted."""
    told = sorted(set(people))
    mail = await store.mail_of(conn, told)
    for person in told:
        address = mail.get(person, "")
        channel = Channel.MAIL if address else Channel.LOG
        heading = f"{subject.zh} · {subject.en}"[:SUBJECT_LENGTH]
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
