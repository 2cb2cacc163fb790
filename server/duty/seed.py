"""Rosters for the demo and for trials: rotations given in a few words, published at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from schedules.core.model import CHINA, MakeupRule, PersonId, Post, Rotation, RotationId, SiteId, Turn, Window, local
from server.duty import editing, publishing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.access.core import Actor
    from server.db import Connection

_IDENTITY = UUID("6d1f1a44-6a41-5a0e-9a53-0c5d4f5f4a77")
AHEAD = timedelta(days=35)  # a month ahead and the rest of its last week
PUBLISHED_BEFORE = timedelta(days=3)
PUBLISHED_AT = time(10)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WORKDAYS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class RosterSeed:
    """One rotation at one site.

    posts     (role, needed qualification or None) of each post
    members   entries that serve together, one person id per post
    makeup    also serve make-up workdays
    """

    site_id: str
    service: str
    posts: tuple[tuple[str, str | None], ...]
    members: tuple[tuple[str, ...], ...]
    weekdays: tuple[int, ...] = WORKDAYS
    starts: time = time(9)
    ends: time = time(17)
    title: str = ""
    turn: Turn = Turn.WEEK
    makeup: bool = True


async def seed_rosters(
    conn: Connection, actor: Actor, seeds: Iterable[RosterSeed], base_url: str, now: datetime
) -> dict[str, int]:
    """Make and publish the rosters of these sites, from Monday of this week to five weeks on; versions by site id.

    They count as published on the Friday before, so that this week's past days are in them too.
    actor   a coordinator above all of the sites; the caller owns the transaction. Doing it twice changes nothing.
    """
    by_site: dict[str, list[RosterSeed]] = {}
    for seed in seeds:
        by_site.setdefault(seed.site_id, []).append(seed)
    return {site: await _seed_site(conn, actor, site, rows, base_url, now) for site, rows in by_site.items()}


async def _seed_site(
    conn: Connection, actor: Actor, site: str, seeds: list[RosterSeed], base_url: str, now: datetime
) -> int:
    today = now.astimezone(CHINA).date()
    monday = today - timedelta(days=today.isoweekday() - 1)
    now = local(monday, PUBLISHED_AT) - PUBLISHED_BEFORE
    revision = (await editing.load_or_start(conn, SiteId(site), now)).revision
    revision = await editing.set_window(
        conn, actor, site, revision, Window(monday, monday + AHEAD - timedelta(days=1)), now
    )
    for number, seed in enumerate(seeds):
        anchor = monday - timedelta(days=28)  # people who look closely find that the turns did not begin today
        rotation = _rotation(seed, str(uuid5(_IDENTITY, f"{site}/{seed.service}/{number}")), anchor)
        revision = await editing.save_rotation(conn, actor, revision, rotation, now)
    _, prepared = await publishing.preview(conn, actor, site, now)
    return (await publishing.publish(conn, actor, site, prepared.mark, base_url, now)).version


def _rotation(seed: RosterSeed, identifier: str, anchor: date) -> Rotation:
    return Rotation(
        id=RotationId(identifier),
        site=SiteId(seed.site_id),
        service=seed.service,
        title=seed.title,
        weekdays=frozenset(seed.weekdays),
        starts=seed.starts,
        ends=seed.ends,
        posts=tuple(Post(role, needs) for role, needs in seed.posts),
        members=tuple(tuple(PersonId(person) for person in entry) for entry in seed.members),
        anchor=anchor,
        turn=seed.turn,
        makeup_days=MakeupRule.SERVE if seed.makeup else MakeupRule.SKIP,
    )
