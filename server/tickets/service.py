"""Staff moves: hold, resume, skip, put back, transfer, take for somebody, write. Each in one transaction, audited and announced."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.access.tokens import token_hash
from server.errors import BadInput, Conflict, NotAllowed, NotFound
from server.sessions import service as sessions
from server.tickets import store
from server.waiting import core
from server.waiting import service as waiting
from server.waiting import store as line_store
from server.waiting.core import Move

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection
    from server.sessions.core import EndReason

QUICK_ANSWERS = ("coming", "one_minute", "need_help", "yes", "no")


async def require_ticket(conn: Connection, actor: Actor, ticket_id: str) -> store.TicketFacts:
    """A ticket that this person may handle. Raises NotFound: others' tickets are not told about."""
    facts = await store.facts(conn, as_uuid(ticket_id))
    if facts is None or not core.may_handle(actor.grants, facts.service, facts.area_path, facts.citizen_path):
        raise NotFound()
    return facts


async def hold(conn: Connection, actor: Actor, ticket_id: str, now: datetime) -> None:
    """Keep somebody's place while they are away. Raises NotFound, Conflict('ticket_gone')."""
    await _move(conn, actor, ticket_id, Move.HOLD, now)


async def resume(conn: Connection, actor: Actor, ticket_id: str, now: datetime) -> None:
    """They are back. Raises NotFound, Conflict('ticket_gone')."""
    await _move(conn, actor, ticket_id, Move.RESUME, now)


async def skip(conn: Connection, actor: Actor, ticket_id: str, now: datetime) -> None:
    """Two others first. Raises NotFound, Conflict('ticket_gone')."""
    await _move(conn, actor, ticket_id, Move.SKIP, now)


async def _move(conn: Connection, actor: Actor, ticket_id: str, what: Move, now: datetime) -> None:
    facts = await require_ticket(conn, actor, ticket_id)
    async with conn.transaction():
        moved = await (store.skip(conn, facts.id) if what is Move.SKIP else store.move(conn, facts.id, what, now))
        if moved is None:
            raise Conflict("ticket_gone")
        await tell(conn, actor, facts.id, what, moved, now)


async def tell(
    conn: Connection, actor: Actor, ticket_id: str, what: Move, moved: store.Moved, now: datetime, note: str = ""
) -> None:
    """Story, audit and notices of a move, inside its transaction."""
    await line_store.tell_story(conn, ticket_id, what, actor, now, note)
    await audit.append(conn, actor, f"{what}_ticket", "ticket", ticket_id, now, {"area": moved.area_id})
    await line_store.announce(conn, "queue", area=moved.area_id)
    await line_store.announce(conn, "ticket", ticket=ticket_id, endpoint=moved.endpoint_id)


async def put_back(conn: Connection, actor: Actor, ticket_id: str, note: str, now: datetime) -> None:
    """From the call, or from the room, back into the line with the place kept; the session ends.

    Raises  NotFound, NotAllowed (somebody else called), Conflict('ticket_gone').
    """
    facts = await require_ticket(conn, actor, ticket_id)
    async with conn.transaction():
        await leave_room(conn, actor, facts, Move.PUT_BACK, now, note)


async def leave_room(
    conn: Connection, actor: Actor, facts: store.TicketFacts, what: Move, now: datetime, note: str = ""
) -> None:
    """Take a ticket from whoever called it, inside the caller's transaction. The session's row is locked first, as its own end does."""
    running = await store.lock_session(conn, facts.id)
    if running is not None and actor.kind == "person" and running.in_charge != actor.id:
        raise NotAllowed()
    moved = await store.move(conn, facts.id, what, now, core.WITH_CLERK if running else core.IN_LINE)
    if moved is None:
        raise Conflict("ticket_gone")
    if running is not None:
        # The ticket is out of the session already, so its end leaves the ticket alone.
        reason: EndReason = "withdrawn" if actor.kind == "person" else "technical"
        await sessions.write_end(conn, running.id, actor, reason, now)
    await tell(conn, actor, facts.id, what, moved, now, note)


async def transfer(
    conn: Connection, actor: Actor, ticket_id: str, area_id: str, note: str, now: datetime
) -> store.TicketFacts:
    """Move somebody to another line with the story; they stand there as if they had come there at first.

    Returns the new ticket. Raises NotFound, NotAllowed, Conflict('ticket_gone'), BadInput('same_line').
    """
    facts = await require_ticket(conn, actor, ticket_id)
    line = await store.line(conn, as_uuid(area_id))
    if line is None or line.id not in {one.id for one in await store.targets(conn, [facts.area_site_id])}:
        raise NotFound()
    if line.id == facts.area_id:
        raise BadInput("same_line", field="area")
    async with conn.transaction():
        await leave_room(conn, actor, facts, Move.TRANSFER, now, note)
        left = await store.part_with(conn, facts.id)
        new = line_store.NewTicket(
            left.endpoint_id, left.site_id, left.citizen_name, None, left.channel, left.priority,
            left.priority_group, left.priority_note, left.kiosk_id, left.holder_hash, facts.id,
            matter=left.matter,
        )  # fmt: skip
        new_id = await waiting.put_in_line(conn, actor, line, new, now, left.place)
    moved = await store.facts(conn, as_uuid(new_id))
    assert moved is not None
    return moved


def link_token(request_key: str) -> str:
    """The personal link of a request: who sends the same secret key again gets the same link, and only its hash is kept."""
    digest = hashlib.sha256(b"laizuo ticket link " + request_key.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def take_for(
    conn: Connection,
    actor: Actor,
    site_id: str,
    service: str,
    wish: line_store.NewTicket,
    now: datetime,
) -> tuple[store.TicketFacts, str]:
    """A ticket for somebody at the counter, and their personal link.

    wish    its request_key is a secret of the page (32 characters or more); its kiosk_id the device they sit near, if any
    Raises  NotFound, NotAllowed, BadInput('reason_missing'), Conflict('line_closed')
    """
    site = await require_site(conn, actor, Action.TAKE_TICKET_FOR, site_id)
    if wish.priority_group == "urgent" and not wish.priority_note.strip():
        raise BadInput("reason_missing", field="priority_note")
    if wish.kiosk_id and await store.endpoint_site(conn, as_uuid(wish.kiosk_id)) != site.id:
        raise NotFound()
    assert wish.request_key is not None
    token = link_token(f"{actor.id} {wish.request_key}")
    new = line_store.NewTicket(
        None, site.id, wish.citizen_name.strip(), token_hash(token).hex(), wish.channel,
        core.PRIORITIES[wish.priority_group], wish.priority_group, wish.priority_note.strip(), wish.kiosk_id, token_hash(token),
    )  # fmt: skip
    ticket_id = await waiting.insert(conn, actor, service, new, now)
    facts = await store.facts(conn, as_uuid(ticket_id))
    assert facts is not None
    return facts, token


async def write_to(conn: Connection, actor: Actor, ticket_id: str, text: str, now: datetime) -> None:
    """A short message to somebody who waits or is called. Raises NotFound, Conflict('ticket_gone')."""
    facts = await require_ticket(conn, actor, ticket_id)
    if facts.state not in core.LIVE:
        raise Conflict("ticket_gone")
    async with conn.transaction():
        await store.write_message(conn, facts.id, now, actor.id, "", text.strip())
        await audit.append(conn, actor, "write_to_ticket", "ticket", facts.id, now)
        await _announce_message(conn, facts)


async def answer(conn: Connection, actor: Actor, ticket_id: str | None, code: str, now: datetime) -> None:
    """A quick answer from the kiosk or the personal link. Raises NotFound: there is no live ticket."""
    if ticket_id is None:
        raise NotFound()
    facts = await store.facts(conn, as_uuid(ticket_id))
    assert facts is not None
    async with conn.transaction():
        await store.write_message(conn, facts.id, now, None, code, "")
        await audit.append(conn, actor, "answer_from_line", "ticket", facts.id, now, {"code": code})
        await _announce_message(conn, facts)


async def _announce_message(conn: Connection, facts: store.TicketFacts) -> None:
    await line_store.announce(conn, "queue", area=facts.area_id)
    await line_store.announce(conn, "ticket", ticket=facts.id, endpoint=facts.endpoint_id)


async def take_alert(conn: Connection, actor: Actor, alert_id: int, now: datetime) -> None:
    """I see to it. Raises NotFound: taken by another, or not for this person."""
    areas = [area.id for area in await waiting.areas_of(conn, actor)]
    async with conn.transaction():
        area_id = await store.take_alert(conn, alert_id, str(actor.id), areas, now)
        if area_id is None:
            raise NotFound()
        await audit.append(conn, actor, "take_alert", "hall_alert", str(alert_id), now, {"area": area_id})
        await line_store.announce(conn, "alert", area=area_id)
