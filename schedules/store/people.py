"""What coordinators enter about people: team membership, limits, licences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from schedules.core.model import Limits, PersonId, SiteId, Window
from schedules.store.statements import QUERIES, Connection


class MemberAlready(Exception):
    """This person is in the team in that time already."""


@dataclass(frozen=True, slots=True)
class Team:
    """A service team and how many belong to it on a day."""

    slug: str
    name_zh: str
    name_en: str
    kind: str
    members: int


@dataclass(frozen=True, slots=True)
class Expiring:
    """A licence that ends, or has ended, without a newer one."""

    person: PersonId
    code: str
    last: date


async def list_teams(conn: Connection, on: date) -> tuple[Team, ...]:
    """All teams."""
    rows = await conn.fetch(QUERIES["list_teams"], on)
    return tuple(Team(row["slug"], row["name_zh"], row["name_en"], row["kind"], row["members"]) for row in rows)


async def admit(conn: Connection, team: str, person: PersonId, on: date, by: str | None) -> str | None:
    """Admit somebody to a team; None if there is no such team. Raises MemberAlready."""
    try:
        identifier: str | None = await conn.fetchval(QUERIES["admit_member"], team, person, on, by)
    except asyncpg.ExclusionViolationError as error:
        raise MemberAlready from error
    return identifier


async def leave_team(conn: Connection, team: str, person: PersonId, on: date) -> bool:
    """End a membership: `on` is the first day without it. False if there is none."""
    return await conn.fetchval(QUERIES["end_membership"], team, person, on) is not None


async def save_limits(conn: Connection, person: PersonId, limits: Limits, home: SiteId | None) -> None:
    """What a person can be asked for at most, and where their way begins."""
    await conn.execute(QUERIES["save_limits"], person, limits.max_days_a_week, limits.rest_minutes, home)


async def save_licence(conn: Connection, person: PersonId, code: str, valid: Window) -> None:
    """The days of a licence, instead of what was known of it."""
    await conn.execute(QUERIES["clear_qualification"], person, code)
    first = None if valid.first == date.min else valid.first
    last = None if valid.last == date.max else valid.last
    await conn.execute(QUERIES["add_qualification"], person, code, first, last)


async def list_expiring(conn: Connection, people: Sequence[PersonId], until: date) -> tuple[Expiring, ...]:
    """Licences that end until that day."""
    rows = await conn.fetch(QUERIES["expiring_licences"], list(people), until)
    return tuple(Expiring(PersonId(row["person_id"]), row["code"], row["valid_last"]) for row in rows)


async def raise_revisions(conn: Connection, person: PersonId, now: object) -> None:
    """Every roster that has this person is another by now."""
    await conn.execute(QUERIES["raise_revisions_of_person"], person, now)
