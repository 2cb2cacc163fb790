"""The outbox against a real SMTP server on loopback: nothing lost, nothing sent for what did not happen, refusals and silence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from schedules.core.model import Override, OverrideKind, SlotKey
from server.config import Mail
from server.db.pool import in_transaction
from server.duty import editing
from server.messages import store
from server.messages.adapters import LogAdapter, MailAdapter
from server.messages.core import TRIES_AFTER, Channel, Message
from server.messages.worker import send_due
from tests.integration.test_feeds_http import R1, city, publish  # noqa: F401  # a published fortnight
from tests.support.duty_city import NOW, DutyCity

if TYPE_CHECKING:
    from server.db import Connection, Pool
    from server.messages.adapters import Adapter


class Postman:
    """A mail server that keeps what it takes; it refuses addresses that begin with `nobody`, and everything while `busy`."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.busy = False

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.busy:
            return "451 4.3.0 come back later"
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content))
        return "250 OK"


class AnyPort(Controller):
    """Bound by the kernel to a free port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@pytest.fixture
def postman() -> Iterator[tuple[Postman, int]]:
    handler = Postman()
    server = AnyPort(handler, hostname="127.0.0.1", port=0)
    server.start()
    try:
        yield handler, server.port
    finally:
        server.stop()


def ways(port: int) -> dict[Channel, Adapter]:
    mail = MailAdapter(Mail(host="127.0.0.1", port=port, sender="zhiban@laizuo.example"))
    return {Channel.MAIL: mail, Channel.PHONE: LogAdapter(), Channel.LOG: LogAdapter()}


async def put(db: Pool, address: str, subject: str = "值班有变动") -> None:
    async def work(conn: Connection) -> None:
        await store.put(conn, Message(Channel.MAIL, address, "duty_changed", subject, "周二 09:00"), NOW)

    await in_transaction(db, work)


async def drain(db: Pool, port: int, now: Any = NOW) -> None:
    while await send_due(db, ways(port), now):
        pass


async def state(db: Pool) -> list[tuple[Any, ...]]:
    async with db.acquire() as conn:
        rows = await conn.fetch(
            "select attempts, sent_at is not null, given_up_at is not null, address from outbox order by id"
        )
    return [tuple(row) for row in rows]


async def test_a_message_goes_out_as_mail_and_its_address_is_forgotten(db: Pool, postman: tuple[Postman, int]) -> None:
    await put(db, "chen@example.com")

    await drain(db, postman[1])

    [letter] = postman[0].letters
    assert str(make_header(decode_header(letter["Subject"]))) == "值班有变动"
    assert letter.get_payload(decode=True).decode().strip() == "周二 09:00"
    assert (letter["To"], letter["Auto-Submitted"]) == ("chen@example.com", "auto-generated")
    assert await state(db) == [(1, True, False, "")]


async def test_what_was_rolled_back_is_not_sent(db: Pool, postman: tuple[Postman, int]) -> None:
    async with db.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await store.put(conn, Message(Channel.MAIL, "chen@example.com", "duty_changed", "s", "b"), NOW)
        await transaction.rollback()

    await drain(db, postman[1])

    assert postman[0].letters == []


async def test_a_busy_server_is_asked_again_and_a_refused_address_is_not(
    db: Pool, postman: tuple[Postman, int]
) -> None:
    await put(db, "chen@example.com")
    await put(db, "nobody@example.com")
    postman[0].busy = True
    await drain(db, postman[1])
    too_early = NOW + TRIES_AFTER[0] - timedelta(seconds=1)
    postman[0].busy = False
    await drain(db, postman[1], too_early)
    assert postman[0].letters == []

    await drain(db, postman[1], NOW + TRIES_AFTER[0])

    assert len(postman[0].letters) == 1
    assert await state(db) == [(2, True, False, ""), (2, False, True, "")]


async def test_a_server_that_is_not_there_is_tried_for_two_days_and_then_given_up(db: Pool) -> None:
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await put(db, "chen@example.com")

    now = NOW
    for wait in (timedelta(0), *TRIES_AFTER, timedelta(days=9)):
        now += wait
        await drain(db, port, now)

    assert await state(db) == [(len(TRIES_AFTER) + 1, False, True, "")]


async def test_two_workers_send_each_message_once(db: Pool, postman: tuple[Postman, int]) -> None:
    for number in range(30):
        await put(db, "chen@example.com", f"第{number}封")

    await asyncio.gather(*(drain(db, postman[1]) for _ in range(4)))

    subjects = sorted(str(make_header(decode_header(letter["Subject"]))) for letter in postman[0].letters)
    assert subjects == sorted(f"第{number}封" for number in range(30))


async def test_who_comes_and_who_goes_is_told_and_nobody_else(
    db: Pool,
    city: DutyCity,  # noqa: F811
    postman: tuple[Postman, int],
) -> None:
    """Tuesday passes from the first lawyer to the third: two messages, one by mail; a first roster told nobody."""
    async with db.acquire() as conn:
        assert await conn.fetchval("select count(*) from outbox") == 0
        await store.set_mail(conn, city.lawyers[2], "zhang@example.com", NOW)

    async def substitute(conn: Connection) -> None:
        roster = await editing.load_or_start(conn, city.center, NOW)
        override = Override(SlotKey(f"{R1}/2026-11-24"), OverrideKind.SUBSTITUTE, "", 0, city.lawyers[2])
        await editing.add_override(conn, city.coordinator, city.center, roster.revision, override, NOW)

    await in_transaction(db, substitute)
    await publish(db, city, NOW + timedelta(hours=1))
    await drain(db, postman[1], NOW + timedelta(hours=1))

    async with db.acquire() as conn:
        told = {row["person_id"] for row in await conn.fetch("select person_id::text from outbox")}
    assert told == {city.lawyers[0], city.lawyers[2]}
    [letter] = postman[0].letters
    assert "- 11月24日 周二 09:00-12:00 法律咨询: 轮到您" in letter.get_payload(decode=True).decode()
