"""What coordinators edit: the draft of a site with its rotations and overrides, and leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from schedules.core.model import (
    HolidayRule,
    Interval,
    Leave,
    MakeupRule,
    Override,
    OverrideKind,
    PersonId,
    Post,
    Rotation,
    RotationId,
    SiteId,
    SlotKey,
    Turn,
    Window,
)
from schedules.store.statements import QUERIES, Connection


class LeaveOverlaps(Exception):
    """This person has leave in that time already."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The draft of one site. `version` is the public release, None before the first."""

    site: SiteId
    revision: int
    window: Window
    version: int | None


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override with the handle by which it is withdrawn."""

    id: str
    override: Override


@dataclass(frozen=True, slots=True)
class StoredLeave:
    """A leave with the handle by which it is removed."""

    id: str
    leave: Leave


async def ensure_roster(conn: Connection, site: SiteId, window: Window, now: datetime) -> None:
    """Give a site its draft if it has none."""
    await conn.execute(QUERIES["ensure_roster"], site, window.first, window.last, now)


async def load_roster(conn: Connection, site: SiteId) -> Roster | None:
    """The draft of a site."""
    row = await conn.fetchrow(QUERIES["load_roster"], site)
    if row is None:
        return None
    return Roster(SiteId(row["site_id"]), row["revision"], Window(row["first_day"], row["last_day"]), row["version"])


async def raise_revision(conn: Connection, site: SiteId, seen: int, now: datetime, by: str | None) -> int | None:
    """Claim the right to edit: the new revision, or None if the caller looked at an older one."""
    revision: int | None = await conn.fetchval(QUERIES["raise_revision"], site, seen, now, by)
    return revision


async def set_window(conn: Connection, site: SiteId, window: Window) -> None:
    """The days that the next publish covers."""
    await conn.execute(QUERIES["set_window"], site, window.first, window.last)


async def load_rotations(conn: Connection, site: SiteId) -> tuple[Rotation, ...]:
    """The site's rotations in force, with posts and members."""
    posts: dict[str, list[Post]] = defaultdict(list)
    for row in await conn.fetch(QUERIES["load_posts"], site):
        posts[row["rotation_id"]].append(Post(row["role"], row["needs"]))
    entries: dict[str, dict[int, list[PersonId]]] = defaultdict(lambda: defaultdict(list))
    for row in await conn.fetch(QUERIES["load_members"], site):
        entries[row["rotation_id"]][row["position"]].append(PersonId(row["person_id"]))
    rows = await conn.fetch(QUERIES["load_rotations"], site)
    return tuple(_rotation(row, posts[row["id"]], entries[row["id"]].values()) for row in rows)


def _rotation(row: Mapping[str, Any], posts: Iterable[Post], members: Iterable[list[PersonId]]) -> Rotation:
    return Rotation(
        id=RotationId(row["id"]),
        site=SiteId(row["site_id"]),
        service=row["service"],
        title=row["title"],
        weekdays=frozenset(row["weekdays"]),
        starts=row["starts"],
        ends=row["ends"],
        posts=tuple(posts),
        members=tuple(tuple(entry) for entry in members),
        anchor=row["anchor"],
        turn=Turn(row["turn"]),
        week_starts=row["week_starts"],
        holidays=HolidayRule(row["holidays"]),
        makeup_days=MakeupRule(row["makeup_days"]),
        serves=Window(row["serves_first"] or date.min, row["serves_last"] or date.max),
        team=row["team"],
    )


async def save_rotation(conn: Connection, rotation: Rotation) -> bool:
    """Insert or replace; False if the id belongs to another site or to a retired rotation."""
    saved = await conn.fetchval(QUERIES["save_rotation"], *_rotation_row(rotation))
    if saved is None:
        return False
    await conn.execute(QUERIES["clear_posts"], rotation.id)
    posts = [(rotation.id, n, post.role, post.needs) for n, post in enumerate(rotation.posts)]
    await conn.executemany(QUERIES["add_post"], posts)
    members = [(rotation.id, n, p, who) for n, entry in enumerate(rotation.members) for p, who in enumerate(entry)]
    await conn.executemany(QUERIES["add_member"], members)
    return True


def _rotation_row(rotation: Rotation) -> tuple[object, ...]:
    first = None if rotation.serves.first == date.min else rotation.serves.first
    last = None if rotation.serves.last == date.max else rotation.serves.last
    days = sorted(rotation.weekdays)
    hours = (rotation.starts, rotation.ends)
    turn = (rotation.turn.value, rotation.week_starts, rotation.anchor)
    rules = (rotation.holidays.value, rotation.makeup_days.value)
    return (
        rotation.id,
        rotation.site,
        rotation.service,
        rotation.title,
        days,
        *hours,
        *turn,
        *rules,
        first,
        last,
        rotation.team,
    )


async def retire_rotation(conn: Connection, site: SiteId, rotation: RotationId, now: datetime) -> bool:
    """End a rotation; its past stays. False if there is none."""
    return await conn.fetchval(QUERIES["retire_rotation"], site, rotation, now) is not None


async def load_overrides(conn: Connection, site: SiteId) -> tuple[StoredOverride, ...]:
    """Decisions in force, oldest first."""
    rows = await conn.fetch(QUERIES["load_overrides"], site)
    return tuple(StoredOverride(row["id"], _override(row)) for row in rows)


def _override(row: Mapping[str, Any]) -> Override:
    person = None if row["person_id"] is None else PersonId(row["person_id"])
    return Override(SlotKey(row["slot_key"]), OverrideKind(row["kind"]), row["reason"], row["post"], person)


async def add_override(conn: Connection, site: SiteId, override: Override, now: datetime, by: str | None) -> str:
    """Decide on a slot; an earlier decision of the same kind on the same post is withdrawn."""
    same = (site, override.slot, override.kind.value, override.post)
    await conn.execute(QUERIES["withdraw_same_override"], *same, now)
    identifier: str = await conn.fetchval(QUERIES["add_override"], *same, override.person, override.reason, now, by)
    return identifier


async def withdraw_override(conn: Connection, site: SiteId, identifier: str, now: datetime) -> bool:
    """Take a decision back; False if there is none in force."""
    return await conn.fetchval(QUERIES["withdraw_override"], site, identifier, now) is not None


async def add_leave(conn: Connection, leave: Leave, now: datetime, by: str | None) -> str:
    """Enter a leave; every roster with this person gets a new revision. Raises LeaveOverlaps."""
    during = leave.during
    try:
        identifier: str = await conn.fetchval(QUERIES["add_leave"], leave.person, during.start, during.end, now, by)
    except asyncpg.ExclusionViolationError as error:
        raise LeaveOverlaps from error
    await conn.execute(QUERIES["raise_revisions_of_person"], leave.person, now)
    return identifier


async def remove_leave(conn: Connection, identifier: str, now: datetime) -> PersonId | None:
    """Take a leave back; whose it was, None if there is none."""
    person = await conn.fetchval(QUERIES["remove_leave"], identifier)
    if person is not None:
        await conn.execute(QUERIES["raise_revisions_of_person"], person, now)
    return None if person is None else PersonId(person)


async def load_leave(conn: Connection, people: Sequence[PersonId], span: Interval) -> tuple[StoredLeave, ...]:
    """Leaves of these people that touch the span."""
    rows = await conn.fetch(QUERIES["load_leave"], list(people), span.start, span.end)
    return tuple(StoredLeave(row["id"], Leave(PersonId(row["person_id"]), interval_of(row))) for row in rows)


def interval_of(row: Mapping[str, Any]) -> Interval:
    """Columns `first` and `last` of a row."""
    return Interval(row["first"].astimezone(UTC), row["last"].astimezone(UTC))
