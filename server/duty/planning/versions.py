"""Published versions: what each follows from, computing it again, what changed between two, withdrawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.core import release
from schedules.core.model import Because, SiteId, Why
from schedules.core.plan import Inputs, plan
from schedules.store import days, releases, shifts
from server.access.core import Action
from server.access.require import require_site, require_site_by_slug
from server.duty import publishing
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.core.release import Change, Release
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class Recomputed:
    """One version computed again from the first on. `is_same`: every slot is what was published."""

    version: int
    is_same: bool
    differing: tuple[str, ...]


async def kept_inputs(conn: Connection, actor: Actor, slug: str, version: int) -> str:
    """What a version follows from, as JSON. For coordinators: it tells who was on leave. Raises NotFound."""
    site = await require_site_by_slug(conn, actor, Action.SEE_ROSTER_BOARD, slug)
    kept = await releases.load_kept_text(conn, SiteId(site.id), version)
    if kept is None:
        raise NotFound()
    return kept


async def recompute(conn: Connection, actor: Actor, slug: str, version: int) -> Recomputed:
    """Make versions 1 to `version` again from what they follow from, and compare. Raises NotFound."""
    site = SiteId((await require_site_by_slug(conn, actor, Action.SEE_ROSTER_BOARD, slug)).id)
    calendar = await days.load_calendar(conn)
    made: Release | None = None
    public: Release | None = None
    for number in range(1, version + 1):
        public = await releases.load_version(conn, site, number)
        origin = await releases.load_origin(conn, site, number, calendar)
        if public is None or origin is None:
            raise NotFound()
        made = again(made, origin, public.published_at)
    if made is None or public is None:
        raise NotFound()
    before = {entry.slot.key: entry for entry in public.slots}
    after = {entry.slot.key: entry for entry in made.slots}
    differing = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return Recomputed(version, made == public, tuple(differing))


def again(previous: Release | None, origin: releases.Origin, at: datetime) -> Release | None:
    """The version that follows from `previous` and this origin. Pure."""
    if isinstance(origin, Inputs):
        return release.make(previous, plan(origin), at)
    if previous is None:
        return None
    if isinstance(origin, releases.Withdrawal):
        return release.withdraw(previous, origin.reason, at)
    why = Why(Because.OVERRIDE, note=origin.note)
    return release.reseat(previous, origin.slot, origin.post, origin.person, why, at)


async def changes_between(
    conn: Connection, actor: Actor, slug: str, since: int, version: int
) -> tuple[SiteRef, tuple[Change, ...]]:
    """What a later version changed against an earlier one; `since` 0: against nothing. Raises NotFound."""
    site = await require_site_by_slug(conn, actor, Action.SEE_PUBLIC, slug)
    later = await releases.load_version(conn, SiteId(site.id), version)
    earlier = await releases.load_version(conn, SiteId(site.id), since) if since else None
    if later is None or (since and earlier is None):
        raise NotFound()
    return site, release.changes(earlier, later)


async def withdraw(
    conn: Connection, actor: Actor, site_id: str, seen: int, reason: str, base_url: str, now: datetime
) -> int:
    """Take the public roster back: everything to come is cancelled, as a version of its own; its number.

    Raises Conflict('stale_version') when another version is public than the caller saw, Conflict('nothing_to_publish').
    """
    site = await require_site(conn, actor, Action.PUBLISH_ROSTER, site_id)
    await releases.lock_publishing(conn)
    public = await releases.load_release(conn, SiteId(site.id))
    if public is None:
        raise NotFound("no_roster")
    if public.version != seen:
        raise Conflict("stale_version")
    made = release.withdraw(public, reason, now)
    if made is public:
        raise Conflict("nothing_to_publish")
    origin = releases.Withdrawal(public.version, reason)
    saved = publishing.Made(made, release.changes(public, made))
    await publishing.save(conn, actor, site, saved, origin, "withdraw_roster", {}, base_url, now)
    await shifts.touch_revision(conn, SiteId(site.id), now, actor.id)
    return made.version
