"""Who came, who did not, and who is next in line.

Coming is shown by the six digits on a screen at the post, or by a seat in a room. The digits change every five minutes and follow from the
device's credential, so they need no table; a code of the last five minutes counts too, because people walk.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from schedules.core.model import Interval, PersonId, SiteId
from schedules.store import drafts, releases, shifts
from server import audit
from server.access.core import Action
from server.access.require import require_own, require_site
from server.db.statements import load_statements
from server.duty.editing import list_staff
from server.duty.shifts.reseating import SeatRef, find_slot, what_stands_against
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.store.shifts import Presence
    from server.access.core import Actor
    from server.db import Connection

_SQL = load_statements("server.duty")

CODE_CHANGES = timedelta(minutes=5)
EARLY = timedelta(minutes=30)
"""How long before the shift people can check in."""
GRACE = timedelta(minutes=10)
"""How long after the start nobody is missed yet: the time in which one walks from the bus stop."""


def check_in_code(credential_hash: bytes, now: datetime, windows_ago: int = 0) -> str:
    """The six digits that a device shows now, or showed some windows ago."""
    window = int(now.timestamp() // CODE_CHANGES.total_seconds()) - windows_ago
    digest = hmac.digest(credential_hash, b"check-in " + str(window).encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"


async def code_of(conn: Connection, actor: Actor, endpoint: str, now: datetime) -> str:
    """What this device shows. Raises NotFound for any other device."""
    require_own(actor, Action.SEE_OWN_TICKET, endpoint)
    credential = await conn.fetchval(_SQL["endpoint_credential"], endpoint)
    if credential is None:
        raise NotFound()
    return check_in_code(credential, now)


async def check_in(conn: Connection, actor: Actor, code: str, now: datetime) -> Presence:
    """Note that the actor is at the post: a shift of theirs that runs or begins soon, at the site whose device shows this code.

    Raises  Conflict('no_shift_now'), Conflict("wrong_check_in_code")
    """
    require_own(actor, Action.OWN_DUTY, actor.id)
    mine = await shifts.load_presence(conn, Interval(now, now + EARLY), [], actor.id)
    if not mine:
        raise Conflict("no_shift_now")
    for seat in mine:
        credentials = [row["token_hash"] for row in await conn.fetch(_SQL["site_credentials"], seat.site)]
        shown = [check_in_code(credential, now, ago) for credential in credentials for ago in (0, 1)]
        if any(hmac.compare_digest(code, one) for one in shown):
            await _mark(conn, actor, seat, "present", "kiosk_code", now)
            return seat
    raise Conflict("wrong_check_in_code")


async def _mark(conn: Connection, actor: Actor, seat: Presence, state: str, means: str, now: datetime) -> None:
    if await shifts.mark_attendance(conn, seat, state, means, now, actor.id):
        await audit.append(
            conn, actor, f"marked_{state}", "shift", seat.slot, now, {"site": seat.site, "post": seat.post}
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """A seat whose holder has not been seen, and who could step in, the first in line first."""

    seat: Presence
    next_in_line: tuple[PersonId, ...]


async def find_missing(conn: Connection, actor: Actor, site_id: str, now: datetime) -> tuple[Missing, ...]:
    """The absence alarm of one site."""
    site = await require_site(conn, actor, Action.SEE_ROSTER_BOARD, site_id)
    seats = await shifts.load_presence(conn, Interval(now, now + timedelta(seconds=1)), [SiteId(site.id)])
    missing = [seat for seat in seats if seat.is_missing(now, GRACE)]
    return tuple([Missing(seat, await next_in_line(conn, seat)) for seat in missing])


async def next_in_line(conn: Connection, seat: Presence) -> tuple[PersonId, ...]:
    """Who can serve this seat now: the rotation's members in their order, then the rest of the site's staff."""
    entry = find_slot(await releases.load_release(conn, seat.site), SeatRef(seat.slot, seat.post))
    rotations = {rotation.id: rotation for rotation in await drafts.load_rotations(conn, seat.site)}
    rotation = next((r for key, r in rotations.items() if key == seat.slot.rpartition("/")[0]), None)
    members = [entry[seat.post] for entry in rotation.members] if rotation and seat.post < len(rotation.posts) else []
    staff = [member.id for member in await list_staff(conn, seat.site) if seat.role in member.roles]
    asked = [who for who in dict.fromkeys([*members, *staff]) if who != seat.person]
    stands = await what_stands_against(conn, entry, seat.post, asked)
    return tuple(who for who in asked if stands[who] is None)


async def mark_absent(conn: Connection, actor: Actor, site_id: str, seat: SeatRef, now: datetime) -> None:
    """The coordinator notes that somebody did not come: the shift does not count in the ledger. Raises NotFound."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    seats = await shifts.load_presence(conn, Interval(now - timedelta(days=7), now + EARLY), [SiteId(site.id)])
    found = next((one for one in seats if (one.slot, one.post) == (seat.slot, seat.post)), None)
    if found is None:
        raise NotFound("no_such_shift")
    await _mark(conn, actor, found, "absent", "coordinator", now)
