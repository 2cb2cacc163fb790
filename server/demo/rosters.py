"""The demo's month of rosters: the centre's daily video duty, fixed days in villages, parlour and park."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from server.access.core import Actor, Grant, Role
from server.duty.seed import EVERY_DAY, RosterSeed, seed_rosters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.db import Connection

CITY = "rongchuan"
COORDINATOR = "sun.hui"
_NOTARY = ("notary", "notary")
_ASSISTANT = ("notary_assistant", None)
_MEDIATOR = ("mediator", "mediator")
_LAWYER = ("lawyer", "lawyer")


async def publish_demo_rosters(
    conn: Connection, sites: Mapping[str, str], people: Mapping[str, str], base_url: str, now: datetime
) -> None:
    """Publish them as the city's coordinator, in the caller's transaction. Sites by slug, people by user name."""
    actor = Actor("person", people[COORDINATOR], frozenset({Grant(Role.COORDINATOR, sites[CITY])}))
    await seed_rosters(conn, actor, (*_centre(sites, people), *_fixed_days(sites, people)), base_url, now)


def _centre(sites: Mapping[str, str], people: Mapping[str, str]) -> tuple[RosterSeed, ...]:
    """Video duty for the whole city. On Tuesdays the lawyers, on Thursdays the mediators are on the road."""
    p, site = people, sites[CITY]
    pairs = ((p["li.wanqing"], p["zhou.yu"]), (p["zhao.kun"], p["zhou.yu"]))
    lawyers = ((p["chen.shufen"],), (p["liu.bin"],))
    hours = (time(9), time(17, 30))
    return (
        RosterSeed(site, "notarization", (_NOTARY, _ASSISTANT), pairs, EVERY_DAY, time(8), time(22)),
        RosterSeed(site, "mediation", (_MEDIATOR,), ((p["wang.jianguo"],), (p["zhang.yan"],)), (1, 2, 3, 5), *hours),
        RosterSeed(site, "legal_aid", (_LAWYER,), lawyers, (1, 3, 4, 5), *hours),
        RosterSeed(site, "legal_advice", (_LAWYER,), lawyers[::-1], (1, 3, 4, 5, 6, 7), *hours),
    )


def _fixed_days(sites: Mapping[str, str], people: Mapping[str, str]) -> tuple[RosterSeed, ...]:
    """ "Double fixed": the same day and hour each week, near the people."""
    p = people
    lawyers = ((p["chen.shufen"],), (p["liu.bin"],))
    mediators = ((p["wang.jianguo"],), (p["zhang.yan"],))
    notaries = ((p["zhao.kun"],), (p["li.wanqing"],))
    morning, afternoon = (time(9), time(11, 30)), (time(14), time(17))
    return (
        RosterSeed(sites["liuyin"], "legal_advice", (_LAWYER,), lawyers, (2,), *morning, makeup=False),
        RosterSeed(sites["shangping"], "legal_advice", (_LAWYER,), lawyers[::-1], (2,), *morning, makeup=False),
        RosterSeed(sites["chashan"], "legal_advice", (_LAWYER,), lawyers, (2,), *afternoon, makeup=False),
        RosterSeed(sites["shiqiao"], "mediation", (_MEDIATOR,), mediators, (4,), *morning, makeup=False),
        RosterSeed(sites["rongyin"], "mediation", (_MEDIATOR,), mediators, (4,), *afternoon, makeup=False),
        RosterSeed(sites["rongchuan-park"], "notarization", (_NOTARY,), notaries, (3,), *afternoon, makeup=False),
    )
