"""Another person in one published seat: the same road for an approved swap and for a substitute in an emergency.

The new version follows from the public one and this decision alone, so an unfinished draft is not published along with it. The
decision also becomes an override of the draft: the next plan keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.core import release
from schedules.core.conflicts import Ask
from schedules.core.model import Because, Override, OverrideKind, SiteId, Why
from schedules.store import drafts, releases, shifts
from server.duty import publishing
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.core.model import PersonId, SlotKey
    from schedules.core.release import Release, ReleasedSlot
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class SeatRef:
    """One post of one slot."""

    slot: SlotKey
    post: int


def find_slot(public: Release | None, seat: SeatRef) -> ReleasedSlot:
    """The published slot of a seat, on. Raises NotFound."""
    slots = () if public is None else public.slots
    found = next((entry for entry in slots if entry.slot.key == seat.slot), None)
    if found is None or found.state is not release.State.ON or seat.post >= len(found.slot.seats):
        raise NotFound("no_such_shift")
    return found


async def what_stands_against(
    conn: Connection, entry: ReleasedSlot, post: int, people: list[PersonId]
) -> dict[PersonId, str | None]:
    """For each of these people, the obstacle's name or None. Somebody in another post of the slot cannot take two."""
    slot = entry.slot
    asked = Ask(slot.during, slot.site, slot.seats[post].needs, slot.team)
    found = await shifts.obstacles(conn, people, asked, slot.key)
    beside = {seat.person for n, seat in enumerate(slot.seats) if n != post}
    named = {who: None if stands is None else stands.value for who, stands in found.items()}
    return {who: "double_booked" if who in beside else stands for who, stands in named.items()}


async def reseat(
    conn: Connection,
    actor: Actor,
    site: SiteRef,
    seat: SeatRef,
    person: PersonId,
    reason: str,
    base_url: str,
    now: datetime,
) -> int:
    """Publish the person in this seat; the new version.

    Raises  Conflict('cannot_serve') with the obstacle, Conflict('nothing_to_publish') where the seat has ended or is that person's already,
            Conflict('double_booked'), NotFound. The caller has checked that the actor may.
    """
    await releases.lock_publishing(conn)
    public = await releases.load_release(conn, SiteId(site.id))
    entry = find_slot(public, seat)
    stands = (await what_stands_against(conn, entry, seat.post, [person]))[person]
    if stands is not None:
        raise Conflict("cannot_serve", detail=stands)
    assert public is not None  # find_slot found something in it
    made = release.reseat(public, seat.slot, seat.post, person, Why(Because.OVERRIDE, note=reason), now)
    if made is None:
        raise Conflict("nothing_to_publish")
    origin = releases.Reseat(public.version, seat.slot, seat.post, person, reason)
    saved = publishing.Made(made, release.changes(public, made))
    detail = {"slot": seat.slot, "post": seat.post}
    await publishing.save(conn, actor, site, saved, origin, "substitute_published", detail, base_url, now)
    override = Override(seat.slot, OverrideKind.SUBSTITUTE, reason, seat.post, person)
    await drafts.add_override(conn, SiteId(site.id), override, now, actor.id)
    await shifts.touch_revision(conn, SiteId(site.id), now, actor.id)
    return made.version
