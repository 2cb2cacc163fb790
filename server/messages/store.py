"""The outbox table and people's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.db.statements import load_statements
from server.messages.core import Channel, Message, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.db import Connection

QUERIES = load_statements(__package__)


async def put(conn: Connection, message: Message, now: datetime) -> None:
    """Write a message; it goes out if and only if the caller's transaction commits."""
    about = (message.channel.value, message.address, message.person, message.kind)
    await conn.execute(QUERIES["add_message"], *about, message.subject, message.body, now)


async def mail_of(conn: Connection, people: Iterable[str]) -> dict[str, str]:
    """Mail addresses of those who gave one."""
    rows = await conn.fetch(QUERIES["mail_of_people"], sorted(people))
    return {row["person_id"]: row["address"] for row in rows}


async def own_mail(conn: Connection, person: str) -> str | None:
    address: str | None = await conn.fetchval(QUERIES["own_mail"], person)
    return address


async def set_mail(conn: Connection, person: str, address: str, now: datetime) -> None:
    """Keep an address, or forget it where it is empty."""
    if address:
        await conn.execute(QUERIES["set_mail"], person, address, now)
    else:
        await conn.fetchval(QUERIES["remove_mail"], person)


async def phone_of(conn: Connection, people: Iterable[str]) -> dict[str, str]:
    """Phones of those who gave one."""
    rows = await conn.fetch(QUERIES["phone_of_people"], sorted(people))
    return {row["person_id"]: row["address"] for row in rows}


async def set_phone(conn: Connection, person: str, digits: str, now: datetime) -> None:
    """Keep a phone, or forget it where it is empty."""
    if digits:
        await conn.execute(QUERIES["set_phone"], person, digits, now)
    else:
        await conn.execute(QUERIES["remove_phone"], person)


async def take_due(conn: Connection, limit: int, now: datetime) -> list[Waiting]:
    """Messages to send now, held until the transaction ends."""
    rows = await conn.fetch(QUERIES["take_due"], now, limit)
    return [
        Waiting(
            row["id"],
            Message(Channel(row["channel"]), row["address"], row["kind"], row["subject"], row["body"]),
            row["attempts"],
            row["made_at"],
        )
        for row in rows
    ]


async def mark_sent(conn: Connection, identifier: int, now: datetime) -> None:
    await conn.execute(QUERIES["mark_sent"], identifier, now)


async def mark_failed(conn: Connection, identifier: int, again: datetime | None, error: str, now: datetime) -> None:
    """Note a failure; `again` None gives up."""
    name = "give_up" if again is None else "mark_failed"
    await conn.execute(QUERIES[name], identifier, again or now, error[:200])


async def count_waiting(conn: Connection) -> int:
    count: int = await conn.fetchval(QUERIES["count_waiting"])
    return count
