"""A small city in a database: sites, staff, a coordinator, for tests of rosters over the store and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from schedules.core.model import PersonId, Post, Rotation, RotationId, SiteId
from server.access.core import Actor, Grant, Role
from tests.support.rosters import LAWYER

if TYPE_CHECKING:
    from datetime import date

    from server.db import Connection


@dataclass(frozen=True, slots=True)
class DutyCity:
    """Ids of what `make_city` made."""

    center: SiteId
    village: SiteId
    coordinator: Actor
    outsider: Actor
    lawyers: tuple[PersonId, ...]
    notaries: tuple[PersonId, ...]
    assistant: PersonId


async def make_city(conn: Connection) -> DutyCity:
    """A centre with a village below it; three lawyers, two notaries, an assistant; coordinators of the city and of nothing."""
    center = await _site(conn, None, "rongchuan", "city", "榕川市中心", "Rongchuan Centre")
    village = await _site(conn, center, "liuyin", "village", "柳荫村", "Liuyin Village")
    names = [("chen", "陈淑芬", "lawyer"), ("liu", "刘斌", "lawyer"), ("zhang", "张䶮", "lawyer")]
    names += [
        ("li", "李婉清", "notary"),
        ("zhao", "赵堃", "notary"),
        ("zhou", "周瑜宁", "notary_assistant"),
        ("sun", "孙慧", "coordinator"),
    ]
    ids = {user: await _person(conn, user, zh, role, center) for user, zh, role in names}
    outsider = await _person(
        conn, "other", "外人", "coordinator", await _site(conn, None, "elsewhere", "city", "别处", "Elsewhere")
    )
    return DutyCity(
        center=SiteId(center),
        village=SiteId(village),
        coordinator=Actor("person", ids["sun"], frozenset({Grant(Role.COORDINATOR, center)})),
        outsider=Actor("person", outsider, frozenset({Grant(Role.COORDINATOR, "elsewhere")})),
        lawyers=tuple(PersonId(ids[user]) for user in ("chen", "liu", "zhang")),
        notaries=tuple(PersonId(ids[user]) for user in ("li", "zhao")),
        assistant=PersonId(ids["zhou"]),
    )


async def _site(conn: Connection, parent: str | None, slug: str, kind: str, zh: str, en: str) -> str:
    sql = "insert into site (parent_id, slug, kind, name_zh, name_en) values ($1::text::uuid, $2, $3, $4, $5) returning id::text"
    return str(await conn.fetchval(sql, parent, slug, kind, zh, en))


async def _person(conn: Connection, user: str, zh: str, role: str, site: str) -> str:
    sql = "insert into person (user_name, name_zh, name_en) values ($1, $2, $3) returning id::text"
    identifier = str(await conn.fetchval(sql, user, zh, user.title()))
    await conn.execute(
        "insert into role_grant (person_id, role, site_id) values ($1::text::uuid, $2, $3::text::uuid)",
        identifier,
        role,
        site,
    )
    return identifier


def weekly(
    site: SiteId,
    identifier: str,
    members: tuple[PersonId, ...],
    anchor: date,
    *,
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5),
    starts: time = time(9),
    ends: time = time(12),
    posts: tuple[Post, ...] = LAWYER,
) -> Rotation:
    """A weekly rotation of single lawyers."""
    return Rotation(
        id=RotationId(identifier),
        site=site,
        service="legal_advice",
        title="",
        weekdays=frozenset(weekdays),
        starts=starts,
        ends=ends,
        posts=posts,
        members=tuple((member,) for member in members),
        anchor=anchor,
    )


def uuid_text(n: int) -> str:
    """A readable identifier for a rotation."""
    return f"00000000-0000-4000-8000-{n:012d}"


NOW = datetime.fromisoformat("2026-11-20T04:00:00+00:00")  # a Friday noon in China
