"""Edits of a draft. Every edit names the revision it was made from; an older one is refused, so that no edit is lost.

Callers own the transaction; the audit entry is written in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from schedules.core.explain import Words
from schedules.core.model import CHINA, Leave, Override, PersonId, Rotation, RotationId, SiteId, Window
from schedules.store import drafts
from server import audit
from server.access.core import Action, Facts, may
from server.access.require import as_uuid, require_site
from server.db.statements import load_statements
from server.errors import BadInput, Conflict, NotAllowed, NotFound

if TYPE_CHECKING:
    from schedules.store.drafts import Roster
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection

_SQL = load_statements(__package__)

FIRST_WINDOW = timedelta(days=27)
"""A new draft covers four weeks: people plan by the month, and a month is published in advance."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody whom a coordinator can put on a roster."""

    id: PersonId
    name: Words
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Where an edit is made and from which revision."""

    site: SiteRef
    revision: int


async def list_staff(conn: Connection, site: SiteId) -> tuple[StaffMember, ...]:
    """Everybody who can be on duty at the site."""
    rows = await conn.fetch(_SQL["list_staff"], site)
    return tuple(StaffMember(PersonId(r["id"]), Words(r["name_zh"], r["name_en"]), tuple(r["roles"])) for r in rows)


async def load_or_start(conn: Connection, site: SiteId, now: datetime) -> Roster:
    """The draft of a site, made when the first person looks for it."""
    today = now.astimezone(CHINA).date()
    await drafts.ensure_roster(conn, site, Window(today, today + FIRST_WINDOW), now)
    roster = await drafts.load_roster(conn, site)
    if roster is None:
        raise NotFound("no_roster")
    return roster


async def _begin(conn: Connection, actor: Actor, site_id: str, seen: int, now: datetime) -> Edit:
    """Claim the draft. Raises Conflict('stale_draft'), NotFound, NotAllowed."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    await load_or_start(conn, SiteId(site.id), now)
    revision = await drafts.raise_revision(conn, SiteId(site.id), seen, now, actor.id)
    if revision is None:
        raise Conflict("stale_draft")
    return Edit(site, revision)


async def set_window(conn: Connection, actor: Actor, site_id: str, seen: int, window: Window, now: datetime) -> int:
    """Choose the days that the next publish covers; the new revision."""
    if not window.first <= window.last <= window.first + timedelta(days=400):
        raise BadInput("bad_window", field="last")
    edit = await _begin(conn, actor, site_id, seen, now)
    await drafts.set_window(conn, SiteId(edit.site.id), window)
    days = {"first": window.first.isoformat(), "last": window.last.isoformat()}
    await audit.append(conn, actor, "set_roster_window", "site", edit.site.id, now, days)
    return edit.revision


async def save_rotation(conn: Connection, actor: Actor, seen: int, rotation: Rotation, now: datetime) -> int:
    """Add a rotation or replace one of the same id; the new revision."""
    edit = await _begin(conn, actor, rotation.site, seen, now)
    known = {member.id for member in await list_staff(conn, rotation.site)}
    if not {person for entry in rotation.members for person in entry} <= known:
        raise BadInput("unknown_person", field="members")
    if rotation.team is not None and not await conn.fetchval(_SQL["team_exists"], rotation.team):
        raise BadInput("unknown_team", field="team")
    if not await drafts.save_rotation(conn, rotation):
        raise NotFound()
    await audit.append(conn, actor, "save_rotation", "rotation", rotation.id, now, {"site": edit.site.id})
    return edit.revision


async def retire_rotation(conn: Connection, actor: Actor, site_id: str, seen: int, rotation: str, now: datetime) -> int:
    """End a rotation: the next publish cancels its coming shifts. The new revision."""
    edit = await _begin(conn, actor, site_id, seen, now)
    if not await drafts.retire_rotation(conn, SiteId(edit.site.id), RotationId(str(as_uuid(rotation))), now):
        raise NotFound()
    await audit.append(conn, actor, "retire_rotation", "rotation", rotation, now, {"site": edit.site.id})
    return edit.revision


async def add_override(
    conn: Connection, actor: Actor, site_id: str, seen: int, override: Override, now: datetime
) -> tuple[int, str]:
    """Name a substitute for a post, or withdraw a shift; the new revision and the decision's id."""
    edit = await _begin(conn, actor, site_id, seen, now)
    if override.person is not None and override.person not in {
        m.id for m in await list_staff(conn, SiteId(edit.site.id))
    }:
        raise BadInput("unknown_person", field="person")
    identifier = await drafts.add_override(conn, SiteId(edit.site.id), override, now, actor.id)
    await audit.append(
        conn, actor, f"{override.kind.value}_shift", "override", identifier, now, {"slot": override.slot}
    )
    return edit.revision, identifier


async def withdraw_override(
    conn: Connection, actor: Actor, site_id: str, seen: int, identifier: str, now: datetime
) -> int:
    """Take a decision back; the new revision."""
    edit = await _begin(conn, actor, site_id, seen, now)
    if not await drafts.withdraw_override(conn, SiteId(edit.site.id), str(as_uuid(identifier)), now):
        raise NotFound()
    await audit.append(conn, actor, "withdraw_override", "override", identifier, now, {"site": edit.site.id})
    return edit.revision


async def add_leave(conn: Connection, actor: Actor, site_id: str, person: str, leave: Leave, now: datetime) -> str:
    """Enter a leave of somebody of this site's staff; every roster with this person gets a new revision."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    if person not in {member.id for member in await list_staff(conn, SiteId(site.id))}:
        raise BadInput("unknown_person", field="person")
    if leave.during.end <= leave.during.start:
        raise BadInput("bad_window", field="last")
    try:
        identifier = await drafts.add_leave(conn, leave, now, actor.id)
    except drafts.LeaveOverlaps as error:
        raise Conflict("leave_overlaps", field="first") from error
    await audit.append(conn, actor, "add_leave", "leave", identifier, now, {"person": person})
    return identifier


async def remove_leave(conn: Connection, actor: Actor, site_id: str, identifier: str, now: datetime) -> None:
    """Take a leave of somebody of this site's staff back."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    person = await drafts.remove_leave(conn, str(as_uuid(identifier)), now)
    if person is None:
        raise NotFound()
    if person not in {member.id for member in await list_staff(conn, SiteId(site.id))}:
        raise NotAllowed()
    await audit.append(conn, actor, "remove_leave", "leave", identifier, now, {"person": person})


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One site in the list of rosters. `version` None: nothing published; `on_duty` posts held now."""

    id: str
    slug: str
    kind: str
    name: Words
    path: tuple[str, ...]
    version: int | None
    on_duty: int


async def list_rosters(conn: Connection, now: datetime) -> tuple[RosterLine, ...]:
    """Every site, the city first."""
    rows = await conn.fetch(_SQL["list_rosters"], now)
    return tuple(
        RosterLine(
            r["id"],
            r["slug"],
            r["kind"],
            Words(r["name_zh"], r["name_en"]),
            tuple(r["path"]),
            r["version"],
            r["on_duty"],
        )
        for r in rows
    )


def can_edit(actor: Actor, line: RosterLine) -> bool:
    """Whether the actor coordinates this site."""
    return may(actor, Action.EDIT_ROSTER, Facts(line.path))
