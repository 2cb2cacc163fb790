"""Preview and publish: the same preparation, without and with the save.

What was looked at is what is published: a preview carries a mark of the draft's revision and of every slot it showed; a publish
that names another mark is refused. So neither an edit nor a leave nor another site's publish slips in between.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from schedules.core import feeds, ical, release
from schedules.core.explain import Language
from schedules.core.model import SiteId
from schedules.core.plan import Inputs, plan
from schedules.store import days, drafts, inputs, releases
from schedules.store import feeds as feed_store
from schedules.store.feeds import FeedOf
from server import audit
from server.access.core import Action
from server.access.require import require_site
from server.errors import Conflict, NotFound
from server.feeds import following

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from schedules.core.explain import People
    from schedules.core.feeds import Places
    from schedules.core.model import PersonId, Plan
    from schedules.core.release import Change, Release
    from schedules.store.drafts import Roster
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything about the next version, nothing of it saved. `mark` names exactly this."""

    roster: Roster
    inputs: Inputs
    plan: Plan
    previous: Release | None
    release: Release
    changes: tuple[Change, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Published:
    """The version that is public now; `is_new` False: the plan was public already."""

    version: int
    is_new: bool
    changes: tuple[Change, ...]


async def prepare(conn: Connection, site_id: SiteId, now: datetime) -> Prepared:
    """Plan the site's draft as things are now. Raises NotFound where a site has no roster."""
    roster = await drafts.load_roster(conn, site_id)
    if roster is None:
        raise NotFound("no_roster")
    facts = await inputs.load_inputs(conn, roster, await days.load_calendar(conn))
    # A month is planned in some 15 ms, less than a process takes to start; a year of a large team in 0.2 s, which no other request waits for.
    planned = await asyncio.to_thread(plan, facts)
    previous = await releases.load_release(conn, site_id)
    made = release.make(previous, planned, now)
    mark = f"{roster.revision}-{hashlib.sha256(msgspec.json.encode(planned.slots)).hexdigest()[:16]}"
    return Prepared(roster, facts, planned, previous, made, release.changes(previous, made), mark)


async def preview(conn: Connection, actor: Actor, site_id: str, now: datetime) -> tuple[SiteRef, Prepared]:
    """What would be published. Raises NotFound, NotAllowed."""
    site = await require_site(conn, actor, Action.SEE_ROSTER_BOARD, site_id)
    return site, await prepare(conn, SiteId(site.id), now)


async def publish(conn: Connection, actor: Actor, site_id: str, mark: str, base_url: str, now: datetime) -> Published:
    """Make the previewed plan the public roster, with its feeds, in one transaction of the caller.

    mark    of the preview that was looked at
    Raises  Conflict('stale_draft') when it would be another roster by now, Conflict('nothing_to_publish'),
            Conflict('double_booked'), NotFound, NotAllowed
    """
    site = await require_site(conn, actor, Action.PUBLISH_ROSTER, site_id)
    await releases.lock_publishing(conn)
    prepared = await prepare(conn, SiteId(site.id), now)
    if prepared.mark != mark:
        raise Conflict("stale_draft")
    if prepared.release is prepared.previous:
        return Published(prepared.release.version, False, ())
    if not prepared.release.slots:
        raise Conflict("nothing_to_publish")
    warnings = {"warnings": len(prepared.plan.warnings)}
    made = Made(prepared.release, prepared.changes)
    await save(conn, actor, site, made, prepared.inputs, "publish_roster", warnings, base_url, now)
    return Published(prepared.release.version, True, prepared.changes)


@dataclass(frozen=True, slots=True)
class Made:
    """A new version, however it came about, and what it changes."""

    release: Release
    changes: tuple[Change, ...]


async def save(
    conn: Connection,
    actor: Actor,
    site: SiteRef,
    made: Made,
    origin: releases.Origin,
    action: str,
    detail: Mapping[str, object],
    base_url: str,
    now: datetime,
) -> None:
    """Store a version with what it follows from, write the audit entry, make the feeds, tell everybody. Raises Conflict('double_booked').

    The caller holds the publish lock.
    """
    try:
        await releases.save_release(conn, made.release, made.changes, origin, actor.id)
    except releases.DoubleBooked as error:
        raise Conflict("double_booked") from error
    facts = {"version": made.release.version, "changes": len(made.changes), **detail}
    await audit.append(conn, actor, action, "site", site.id, now, facts)
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "roster", "site": site.id}))
    await save_feeds(conn, site, made, base_url)
    await following.after_publish(conn, site, made.release, made.changes, base_url, now)


async def save_feeds(conn: Connection, site: SiteRef, prepared: Prepared | Made, base_url: str) -> None:
    """Make the bytes of every feed that this version touches: the site's, its services', and those of the people concerned."""
    made = prepared.release
    people = {person for change in prepared.changes for person in change.people}
    related = await releases.load_releases_of(conn, people | releases.people_of(made))
    names = await inputs.name_people(conn, {p for r in (*related, made) for p in releases.people_of(r)})
    places = await inputs.name_sites(conn, {r.site for r in (*related, made)}, base_url)
    known = {service for _, service in await feed_store.list_public_feeds(conn, made.site)}
    for service in sorted(known | {None} | {e.slot.service for e in made.slots}, key=lambda s: s or ""):
        slug = site.slug if service is None else f"{site.slug}.{service}"
        about = FeedOf(site=made.site, service=service, slug=slug)
        bodies = {
            language.value: ical.render(feeds.site_feed(made, places[made.site], names, language, service))
            for language in Language
        }
        await feed_store.save_feed(conn, about, bodies, made.published_at)
    for person in sorted(people):
        await _save_person_feed(conn, person, related, names, places, made.published_at)


async def _save_person_feed(
    conn: Connection, person: PersonId, related: Iterable[Release], names: People, places: Places, now: datetime
) -> str:
    bodies = {
        language.value: ical.render(feeds.person_feed(person, related, places, names, language, now))
        for language in Language
    }
    return await feed_store.save_feed(conn, FeedOf(person=person), bodies, now)


async def ensure_person_feed(conn: Connection, person: PersonId, base_url: str, now: datetime) -> str:
    """The feed of somebody who wants to subscribe, also before the first duty; its id."""
    related = await releases.load_releases_of(conn, [person])
    names = await inputs.name_people(conn, {person, *(p for r in related for p in releases.people_of(r))})
    places = await inputs.name_sites(conn, {r.site for r in related}, base_url)
    return await _save_person_feed(conn, person, related, names, places, now)
