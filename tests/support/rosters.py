"""Rosters for tests: short ways to say who, when and where."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from schedules.core.calendar_days import Calendar
from schedules.core.model import (
    Interval,
    Leave,
    Person,
    PersonId,
    Post,
    Qualification,
    Rotation,
    RotationId,
    SiteId,
    Turn,
    Window,
    local,
)
from schedules.core.plan import Inputs

SITE = SiteId("site")
NOTARY_PAIR = (Post("notary", "notary"), Post("notary_assistant"))
LAWYER = (Post("lawyer", "lawyer"),)


def utc(text: str) -> datetime:
    """An instant, as in utc("2026-12-01 08:00")."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def pid(name: str) -> PersonId:
    return PersonId(name)


def person(name: str, *codes: str, member: Window | None = None) -> Person:
    """Somebody with qualifications that never expire."""
    held = tuple(Qualification(code) for code in codes)
    return Person(pid(name), held) if member is None else Person(pid(name), held, member)


def leave(name: str, first: str, last: str) -> Leave:
    """Whole local days, both included."""
    start = local(date.fromisoformat(first), time.min)
    end = local(date.fromordinal(date.fromisoformat(last).toordinal() + 1), time.min)
    return Leave(pid(name), Interval(start, end))


def rotation(
    *members: tuple[str, ...] | str,
    identifier: str = "r1",
    weekdays: tuple[int, ...] = (1,),
    starts: str = "09:00",
    ends: str = "12:00",
    posts: tuple[Post, ...] = LAWYER,
    anchor: str = "2026-01-05",
    turn: Turn = Turn.WEEK,
    service: str = "legal_advice",
    **rules: object,
) -> Rotation:
    """A rotation; a member entry is a name or a tuple of names, one per post."""
    entries = tuple((entry,) if isinstance(entry, str) else entry for entry in members)
    return Rotation(
        id=RotationId(identifier),
        site=SITE,
        service=service,
        title="",
        weekdays=frozenset(weekdays),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        posts=posts,
        members=tuple(tuple(pid(name) for name in entry) for entry in entries),
        anchor=date.fromisoformat(anchor),
        turn=turn,
        **rules,  # type: ignore[arg-type]
    )


def days(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last))


def inputs(calendar: Calendar, window: Window, *rotations: Rotation, **more: object) -> Inputs:
    """Inputs in which everybody named by a rotation holds every licence, unless `people` says otherwise."""
    if "people" not in more:
        named = {who for rule in rotations for entry in rule.members for who in entry}
        codes = {post.needs for rule in rotations for post in rule.posts if post.needs}
        more["people"] = tuple(person(who, *sorted(codes)) for who in sorted(named))
    return Inputs(SITE, window, calendar, rotations, **more)  # type: ignore[arg-type]
