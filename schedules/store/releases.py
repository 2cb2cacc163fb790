"""Published versions, frozen, and who is on duty by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_type_hints

import asyncpg
import msgspec

from schedules.core.calendar_days import Calendar
from schedules.core.explain import Words
from schedules.core.model import PersonId, SiteId, SlotKey
from schedules.core.plan import Inputs
from schedules.core.release import Change, Release, State
from schedules.store.statements import QUERIES, Connection


class DoubleBooked(Exception):
    """Somebody in this roster got another duty at the same time a moment ago: plan again."""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One line of a site's history of versions."""

    version: int
    published_at: datetime
    published_by: str | None


async def lock_publishing(conn: Connection) -> None:
    """Hold the city's one publish lock until the transaction ends."""
    await conn.execute(QUERIES["lock_publishing"])


async def load_release(conn: Connection, site: SiteId) -> Release | None:
    """What is public at a site now."""
    return _release(await conn.fetchval(QUERIES["load_release"], site))


async def load_version(conn: Connection, site: SiteId, version: int) -> Release | None:
    """One version as it was published."""
    return _release(await conn.fetchval(QUERIES["load_version"], site, version))


async def list_versions(conn: Connection, site: SiteId, limit: int = 20) -> tuple[VersionLine, ...]:
    """The newest versions first."""
    rows = await conn.fetch(QUERIES["list_versions"], site, limit)
    return tuple(VersionLine(row["version"], row["published_at"], row["published_by"]) for row in rows)


async def load_releases_of(conn: Connection, people: Iterable[PersonId]) -> tuple[Release, ...]:
    """Public releases of all sites that name any of these people."""
    rows = await conn.fetch(QUERIES["load_releases_of_people"], sorted(set(people)))
    return tuple(msgspec.json.decode(row["content"], type=Release) for row in rows)


def _release(content: str | None) -> Release | None:
    return None if content is None else msgspec.json.decode(content, type=Release)


def people_of(release: Release) -> frozenset[PersonId]:
    """Everybody a release names, also those who parted from a slot."""
    seated = {person for entry in release.slots for person in entry.slot.people}
    return frozenset(seated | {parted.person for entry in release.slots for parted in entry.parted})


@dataclass(frozen=True, slots=True)
class Reseat:
    """What a version follows from that changed one seat of the version before."""

    of_version: int
    slot: SlotKey
    post: int
    person: PersonId
    note: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a version follows from that withdrew the version before."""

    of_version: int
    reason: str


Origin = Inputs | Reseat | Withdrawal


async def save_release(
    conn: Connection, release: Release, changed: Sequence[Change], inputs: Origin, by: str | None
) -> None:
    """Store a new version and make it the public one. Raises DoubleBooked."""
    content = msgspec.json.encode(release).decode()
    people = sorted(people_of(release))
    when = (release.published_at, by, release.rules_version)
    await conn.execute(
        QUERIES["save_release"], release.site, release.version, *when, _inputs_json(inputs), content, people
    )
    await conn.execute(QUERIES["show_release"], release.site, release.version)
    await _seat(conn, release, [change.key for change in changed])


def _inputs_json(origin: Origin) -> str:
    """What the roster follows from, so that a reader can compute it again (of the calendar its versions only)."""
    if not isinstance(origin, Inputs):
        return msgspec.json.encode({type(origin).__name__.lower(): origin}, order="deterministic").decode()
    years = [{"year": y.year, "version": y.version, "status": y.status} for y in origin.calendar.years]
    fields = {name: getattr(origin, name) for name in Inputs.__slots__ if name != "calendar"}
    return msgspec.json.encode({**fields, "calendar": years}, order="deterministic").decode()


async def load_kept_text(conn: Connection, site: SiteId, version: int) -> str | None:
    """What a version follows from, as JSON: the fields of Inputs, or one field `reseat` or `withdrawal`."""
    kept: str | None = await conn.fetchval(QUERIES["load_kept_inputs"], site, version)
    return kept


async def load_kept_inputs(conn: Connection, site: SiteId, version: int, calendar: Calendar) -> Inputs | None:
    """The inputs of a version that was planned; None for others. `calendar` holds all versions of all years."""
    origin = await load_origin(conn, site, version, calendar)
    return origin if isinstance(origin, Inputs) else None


async def load_origin(conn: Connection, site: SiteId, version: int, calendar: Calendar) -> Origin | None:
    """What a version follows from, so that anybody can compute it again, with the years of the calendar as they were then."""
    kept = await load_kept_text(conn, site, version)
    if kept is None:
        return None
    fields = msgspec.json.decode(kept)
    if "reseat" in fields:
        return msgspec.convert(fields["reseat"], Reseat)
    if "withdrawal" in fields:
        return msgspec.convert(fields["withdrawal"], Withdrawal)
    kinds = get_type_hints(Inputs)
    values = {name: msgspec.convert(value, kinds[name]) for name, value in fields.items() if name != "calendar"}
    known = {(year["year"], year["version"]) for year in fields["calendar"]}
    years = tuple(year for year in calendar.years if (year.year, year.version) in known)
    return Inputs(**values, calendar=Calendar(years))


async def _seat(conn: Connection, release: Release, keys: Sequence[SlotKey]) -> None:
    """Bring `duty_current` to the release. All changed seats are cleared first: two people may change places."""
    await conn.execute(QUERIES["clear_current"], release.site, list(keys))
    changed = set(keys)
    rows = [
        (slot.site, slot.key, post, slot.service, seat.role, seat.person, slot.during.start, slot.during.end)
        for slot in (e.slot for e in release.slots if e.state is State.ON and e.slot.key in changed)
        for post, seat in enumerate(slot.seats)
        if seat.person is not None
    ]
    try:
        await conn.executemany(QUERIES["add_current"], [(*row, release.version) for row in rows])
    except asyncpg.ExclusionViolationError as error:
        raise DoubleBooked from error


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is on duty now, and until when."""

    person: PersonId
    name: Words
    service: str
    role: str
    until: datetime
    slot: SlotKey


async def on_duty(conn: Connection, site: str, service: str | None, now: datetime) -> tuple[OnDuty, ...]:
    """Who serves at this site at this instant, by service and post; of one service if it is named."""
    rows = await conn.fetch(QUERIES["on_duty"], site, service, now)
    return tuple(
        OnDuty(
            PersonId(row["person_id"]),
            Words(row["name_zh"], row["name_en"]),
            row["service"],
            row["role"],
            row["until"].astimezone(UTC),
            SlotKey(row["slot_key"]),
        )
        for row in rows
    )
