"""Tickets that a kiosk gave out while its line was down: numbers from its own block, merged in order when it is back."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from schedules.store.releases import on_duty
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_own
from server.errors import BadInput, NotFound
from server.tickets import store
from server.waiting import core
from server.waiting import service as waiting
from server.waiting import store as line_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.access.core import Actor
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class OfflineTicket:
    """One number given out without a connection: its count makes it known again. `taken_at` by the device's clock."""

    count: int
    taken_at: datetime
    citizen_name: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """How long the line was down, by the device's clock, and what its clock shows now."""

    lost_at: datetime
    device_now: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """One ticket that is in line now."""

    ticket: str
    number: str
    was_known: bool


async def blocks(conn: Connection, actor: Actor, now: datetime) -> list[tuple[line_store.Line, store.Block]]:
    """Today's numbers of this kiosk, one block for each line that it offers; the same ones each time it asks."""
    require_own(actor, Action.TAKE_TICKET, actor.id)
    assert actor.id is not None
    assert actor.site_id is not None
    async with conn.transaction():
        lines = await line_store.lines_of_site(conn, actor.site_id)
        day = core.day_of(now)
        return [
            (line, await store.block(conn, actor.id, line.id, day, now))
            for line in sorted(
                lines, key=lambda line: line.id
            )  # in one order: two kiosks never wait for each other's rows
        ]


async def todays_roster(conn: Connection, lines: Sequence[line_store.Line], now: datetime) -> bytes:
    """Who is on duty today, as JSON: what an offline kiosk shows. Names of staff only."""
    shown = []
    for line in lines:
        serving = await on_duty(conn, line.site_id, line.service, now)
        shown.append(
            {
                "service": line.service,
                "on_duty": [
                    {"name_zh": one.name.zh, "name_en": one.name.en, "until": one.until.timestamp()} for one in serving
                ],
            }
        )
    return msgspec.json.encode({"day": core.day_of(now).isoformat(), "made_at": now.timestamp(), "lines": shown})


def sign(roster: bytes, credential: str) -> str:
    """HMAC-SHA-256 under the device's own credential: a page kept on the device can tell that nobody has changed it."""
    key = hashlib.sha256(b"laizuo offline roster " + credential.encode()).digest()
    return hmac.digest(key, roster, "sha256").hex()


async def merge(
    conn: Connection, actor: Actor, block_id: str, tickets: Sequence[OfflineTicket], gap: Gap, now: datetime
) -> list[Merged]:
    """Put them in line in the order of their numbers, where they would stand had the line been up. Sent twice, they are there once.

    Raises  NotFound (no block of this kiosk), BadInput('not_in_block')
    """
    require_own(actor, Action.TAKE_TICKET, actor.id)
    assert actor.id is not None
    async with conn.transaction():
        block = await store.block_by_id(conn, as_uuid(block_id), actor.id)
        if block is None:
            raise NotFound()
        line = await store.line(conn, as_uuid(block.area_id))
        assert line is not None
        ordered = sorted(tickets, key=lambda one: one.count)
        _check(block, ordered)
        names = [core.ticket_number(line.letter, one.count) for one in ordered]
        known = await store.numbers_taken(conn, line.id, block.day, names)
        places = core.offline_places([one.taken_at for one in ordered], gap.device_now, block.issued_at, now)
        merged = []
        for one, number, place in zip(ordered, names, places, strict=True):
            ticket_id = known.get(number) or await _write(conn, actor, line, block, (number, place), one, now)
            merged.append(Merged(ticket_id, number, number in known))
        if any(not one.was_known for one in merged):
            await audit.append(conn, actor, "merge_offline", "number_block", block.id, now, _detail(merged, gap))
        return merged


def _check(block: store.Block, ordered: Sequence[OfflineTicket]) -> None:
    counts = [one.count for one in ordered]
    if len(set(counts)) != len(counts) or any(not block.first <= count <= block.last for count in counts):
        raise BadInput("not_in_block", field="tickets")


def _detail(merged: Sequence[Merged], gap: Gap) -> dict[str, object]:
    lasted = round((gap.device_now - gap.lost_at).total_seconds())
    return {"gap_s": lasted, "new": sum(not one.was_known for one in merged), "sent": len(merged)}


async def _write(
    conn: Connection,
    actor: Actor,
    line: line_store.Line,
    block: store.Block,
    where: tuple[str, int],
    one: OfflineTicket,
    now: datetime,
) -> str:
    number, place = where
    assert actor.site_id is not None
    new = line_store.NewTicket(
        None, actor.site_id, one.citizen_name.strip(), None, "offline", core.PRIORITIES[one.group], one.group,
        kiosk_id=actor.id,
    )  # fmt: skip
    came = datetime.fromtimestamp(place / 1_000_000, UTC)
    return await waiting.write_ticket(conn, actor, line.id, number, place, new, now, (came, block.day))


def roster_shown(roster: bytes) -> object:
    """The JSON as a value, for an answer that holds it beside its signature."""
    return json.loads(roster)
