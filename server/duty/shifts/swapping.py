"""Ask, take, approve. Callers own the transaction; each step has its audit entry and tells the site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schedules.core.model import PersonId, SiteId
from schedules.core.swaps import Step, Swap, SwapState, step
from schedules.store import releases, shifts
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_own, require_site
from server.duty.shifts.reseating import SeatRef, find_slot, reseat, what_stands_against
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection


async def ask(conn: Connection, actor: Actor, site_id: str, seat: SeatRef, reason: str, now: datetime) -> str:
    """Offer one's own seat. Raises NotFound, Conflict('shift_has_begun'), Conflict('asked_already')."""
    require_own(actor, Action.OWN_DUTY, actor.id)
    site = SiteId(str(as_uuid(site_id)))
    entry = find_slot(await releases.load_release(conn, site), seat)
    if entry.slot.seats[seat.post].person != actor.id:
        raise NotFound("no_such_shift")
    if entry.slot.during.start <= now:
        raise Conflict("shift_has_begun")
    try:
        values = (site, seat.slot, seat.post, entry.slot.during, PersonId(actor.id or ""), reason, now)
        identifier = await shifts.ask_swap(conn, *values)
    except shifts.AskedAlready as error:
        raise Conflict("asked_already") from error
    await _note(conn, actor, "ask_swap", identifier, site, now)
    return identifier


async def take(conn: Connection, actor: Actor, swap_id: str, now: datetime) -> None:
    """Take an offered seat. Raises NotFound, Conflict('swap_moved'), Conflict('cannot_serve'), Conflict('takes_twice')."""
    require_own(actor, Action.OWN_DUTY, actor.id)
    swap = await _load(conn, swap_id, Step.TAKE, now)
    me = PersonId(actor.id or "")
    entry = find_slot(await releases.load_release(conn, swap.site), SeatRef(swap.slot, swap.post))
    stands = (await what_stands_against(conn, entry, swap.post, [me]))[me]
    if stands is not None:
        raise Conflict("cannot_serve", detail=stands)
    try:
        taken = await shifts.take_swap(conn, swap.id, me, now)
    except shifts.TakesTwice as error:
        raise Conflict("takes_twice") from error
    if not taken:
        raise Conflict("swap_moved")
    await _note(conn, actor, "take_swap", swap.id, swap.site, now)


async def approve(conn: Connection, actor: Actor, swap_id: str, base_url: str, now: datetime) -> int:
    """Publish the taker; the new version. Raises as reseat, and Conflict('swap_moved')."""
    swap = await _load(conn, swap_id, Step.APPROVE, now)
    site = await require_site(conn, actor, Action.PUBLISH_ROSTER, swap.site)
    await releases.lock_publishing(conn)
    entry = find_slot(await releases.load_release(conn, swap.site), SeatRef(swap.slot, swap.post))
    if swap.taker is None or entry.slot.seats[swap.post].person != swap.asker:
        raise Conflict("swap_moved")
    version = await reseat(conn, actor, site, SeatRef(swap.slot, swap.post), swap.taker, swap.reason, base_url, now)
    await shifts.decide_swap(conn, swap.id, SwapState.APPROVED, [SwapState.TAKEN], now, actor.id)
    await _note(conn, actor, "approve_swap", swap.id, swap.site, now)
    return version


async def refuse(conn: Connection, actor: Actor, swap_id: str, now: datetime) -> None:
    """The coordinator says no."""
    swap = await _load(conn, swap_id, Step.REFUSE, now)
    await require_site(conn, actor, Action.PUBLISH_ROSTER, swap.site)
    await shifts.decide_swap(conn, swap.id, SwapState.REFUSED, [swap.state], now, actor.id)
    await _note(conn, actor, "refuse_swap", swap.id, swap.site, now)


async def withdraw(conn: Connection, actor: Actor, swap_id: str, now: datetime) -> None:
    """The asker serves after all."""
    swap = await _load(conn, swap_id, Step.WITHDRAW, now)
    require_own(actor, Action.OWN_DUTY, swap.asker)
    await shifts.decide_swap(conn, swap.id, SwapState.WITHDRAWN, [swap.state], now, actor.id)
    await _note(conn, actor, "withdraw_swap", swap.id, swap.site, now)


async def _load(conn: Connection, swap_id: str, what: Step, now: datetime) -> Swap:
    swap = await shifts.load_swap(conn, str(as_uuid(swap_id)))
    if swap is None:
        raise NotFound()
    if step(swap, what, now) is None:
        raise Conflict("swap_moved")
    return swap


async def _note(conn: Connection, actor: Actor, action: str, swap: str, site: SiteId, now: datetime) -> None:
    await audit.append(conn, actor, action, "swap", swap, now, {"site": site})
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "roster", "site": site}))
