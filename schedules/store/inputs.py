"""What a plan follows from, as it stands in the database now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, time, timedelta

from schedules.core.calendar_days import Calendar, DayKind
from schedules.core.explain import Words
from schedules.core.fairness import HOLIDAY_WEIGHT
from schedules.core.feeds import Place
from schedules.core.model import (
    ALWAYS,
    Commitment,
    Interval,
    Limits,
    Membership,
    Override,
    Person,
    PersonId,
    Qualification,
    Rotation,
    SiteId,
    Travel,
    Window,
    local,
)
from schedules.core.plan import Inputs
from schedules.core.site_rules import Opening, Quota, SiteRules
from schedules.store.drafts import Roster, interval_of, load_leave, load_overrides, load_rotations
from schedules.store.proposals import load_proposal
from schedules.store.statements import QUERIES, Connection

ONE_DAY = timedelta(days=1)
EDGE = 8 * ONE_DAY
"""How far before and after the window duties are looked at: rules on rest and weeks reach that far (conflicts._NEAR)."""


def span_of(window: Window) -> Interval:
    """The instants that slots of a window can touch: a last shift may end on the following day."""
    return Interval(local(window.first, time.min), local(window.last + 2 * ONE_DAY, time.min))


async def load_inputs(conn: Connection, roster: Roster, calendar: Calendar) -> Inputs:
    """Everything `plan` needs for this site and window, as it is now."""
    rotations = await load_rotations(conn, roster.site)
    overrides = tuple(stored.override for stored in await load_overrides(conn, roster.site))
    people = _mentioned(rotations, overrides)
    span = span_of(roster.window)
    leave = await load_leave(conn, people, span)
    return Inputs(
        site=roster.site,
        window=roster.window,
        calendar=calendar,
        rotations=rotations,
        people=await load_people(conn, people),
        leave=tuple(stored.leave for stored in leave),
        overrides=overrides,
        elsewhere=await _load_elsewhere(conn, roster.site, people, span),
        served=await _load_served(conn, people, roster.window, calendar),
        travel=await load_travel(conn),
        site_rules=await load_site_rules(conn, roster.site),
        proposal=await load_proposal(conn, roster.site),
    )


def _mentioned(rotations: Iterable[Rotation], overrides: Iterable[Override]) -> list[PersonId]:
    found = {person for rotation in rotations for entry in rotation.members for person in entry}
    found |= {override.person for override in overrides if override.person is not None}
    return sorted(found)


async def load_people(conn: Connection, people: Sequence[PersonId]) -> tuple[Person, ...]:
    """People with their qualifications; whoever was disabled is no member from that day on."""
    found: dict[str, Person] = {}
    for row in await conn.fetch(QUERIES["load_people"], list(people)):
        left = row["left_on"]
        member = ALWAYS if left is None else Window(date.min, left - ONE_DAY)
        person = found.setdefault(row["id"], Person(PersonId(row["id"]), (), member))
        if row["code"] is not None:
            valid = Window(row["valid_first"] or date.min, row["valid_last"] or date.max)
            held = (*person.qualifications, Qualification(row["code"], valid))
            found[row["id"]] = replace(person, qualifications=held)
    return await _with_rules(conn, found)


async def _with_rules(conn: Connection, people: dict[str, Person]) -> tuple[Person, ...]:
    """The same people with their teams, limits and homes."""
    for row in await conn.fetch(QUERIES["load_memberships"], list(people)):
        left = row["left_on"]
        window = Window(row["admitted_on"], date.max if left is None else left - ONE_DAY)
        person = people[row["person_id"]]
        people[person.id] = replace(person, teams=(*person.teams, Membership(row["slug"], window)))
    for row in await conn.fetch(QUERIES["load_limits"], list(people)):
        person, home = people[row["person_id"]], row["home_site_id"]
        limits = Limits(row["max_days_a_week"], row["rest_minutes"])
        people[person.id] = replace(person, limits=limits, home=None if home is None else SiteId(home))
    return tuple(people.values())


async def load_travel(conn: Connection) -> tuple[Travel, ...]:
    """All known ways between sites."""
    rows = await conn.fetch(QUERIES["load_travel"])
    return tuple(Travel(SiteId(row["one_id"]), SiteId(row["other_id"]), row["minutes"]) for row in rows)


async def load_site_rules(conn: Connection, site: SiteId) -> SiteRules:
    """Opening hours, services and purchased quotas of a site."""
    opening = await conn.fetch(QUERIES["load_opening"], site)
    offers = await conn.fetch(QUERIES["load_offers"], site)
    quotas = await conn.fetch(QUERIES["load_quotas"], site)
    closures = await conn.fetch(QUERIES["load_closures"], site)
    return SiteRules(
        tuple(Opening(row["weekday"], row["opens"], row["closes"]) for row in opening),
        frozenset(row["service"] for row in offers) or None,
        tuple(
            Quota(row["service"], row["provider"], Window(row["first_day"], row["last_day"]), row["shifts"])
            for row in quotas
        ),
        tuple(Window(row["first_day"], row["last_day"]) for row in closures),
    )


async def _load_elsewhere(
    conn: Connection, site: SiteId, people: Sequence[PersonId], span: Interval
) -> tuple[Commitment, ...]:
    edges = (span.start - EDGE, span.end + EDGE)
    rows = await conn.fetch(QUERIES["load_elsewhere"], site, list(people), *edges, span.start, span.end - ONE_DAY)
    return tuple(Commitment(PersonId(row["person_id"]), interval_of(row), row["site_id"]) for row in rows)


async def _load_served(
    conn: Connection, people: Sequence[PersonId], window: Window, calendar: Calendar
) -> dict[PersonId, int]:
    """Burden minutes from 1 January (local) up to the window, at all sites."""
    first = date(window.first.year, 1, 1)
    days = (first + n * ONE_DAY for n in range((window.first - first).days))
    holidays = [day for day in days if calendar.day(day).kind is DayKind.HOLIDAY]
    until = local(window.first, time.min)
    since = local(first, time.min)
    rows = await conn.fetch(QUERIES["load_served"], list(people), since, until, holidays, HOLIDAY_WEIGHT)
    return {PersonId(row["person_id"]): row["minutes"] for row in rows}


async def name_people(conn: Connection, people: Iterable[PersonId]) -> dict[PersonId, Words]:
    """Names in both languages."""
    rows = await conn.fetch(QUERIES["name_people"], sorted(set(people)))
    return {PersonId(row["id"]): Words(row["name_zh"], row["name_en"]) for row in rows}


async def name_sites(conn: Connection, sites: Iterable[SiteId], base_url: str = "") -> dict[SiteId, Place]:
    """Names and public pages of sites; without a base URL a place has none."""
    rows = await conn.fetch(QUERIES["name_sites"], sorted(set(sites)))
    return {
        SiteId(row["id"]): Place(
            Words(row["name_zh"], row["name_en"]), f"{base_url}/sites/{row['slug']}" if base_url else ""
        )
        for row in rows
    }
