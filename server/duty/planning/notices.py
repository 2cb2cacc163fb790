"""A new notice of holidays: kept as a version of its year, and every public roster planned again to see what it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.core.calendar_days import parse_year
from schedules.core.model import SiteId
from schedules.store import days, shifts
from server import audit
from server.access.core import Action, Facts, may
from server.access.require import require_site
from server.duty import publishing
from server.errors import BadInput, Conflict, NotAllowed
from server.feeds import limits
from server.feeds.days import save_day_feeds

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.core.calendar_days import YearOfDays
    from schedules.core.release import Change
    from server.access.core import Actor
    from server.access.require import SiteRef
    from server.db import Connection


@dataclass(frozen=True, slots=True)
class Moved:
    """What the notice would change at one site with its next publish."""

    site: SiteRef
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """A notice that is in force, and what it moves."""

    year: YearOfDays
    moved: tuple[Moved, ...]


async def import_notice(conn: Connection, actor: Actor, text: str, now: datetime) -> Imported:
    """Keep a notice and plan every public roster again; no roster is published by it: coordinators look first.

    The calendars of days and of legal limits follow at once: they are what the law says and nobody's decision.

    text    TOML as in schedules/data
    Raises  BadInput('bad_notice') naming what is wrong, Conflict('notice_known'), NotAllowed for a coordinator of less than the whole city
    """
    year = _parse(text)
    await _require_the_city(conn, actor)
    before = {moved.site.id: moved.changes for moved in await _plan_all(conn, actor, now)}
    if not await days.save_notice(conn, year, text, now, actor.id):
        raise Conflict("notice_known")
    detail = {"year": year.year, "version": year.version, "status": year.status.value}
    await audit.append(conn, actor, "import_notice", "calendar", str(year.year), now, detail)
    await save_day_feeds(conn, await days.load_calendar(conn), now)
    await limits.after_notice(conn, now)
    after = await _plan_all(conn, actor, now)
    moved = tuple(one for one in after if one.changes and one.changes != before[one.site.id])
    for one in moved:
        await shifts.touch_revision(conn, SiteId(one.site.id), now, actor.id)
    return Imported(year, moved)


def _parse(text: str) -> YearOfDays:
    try:
        return parse_year(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput("bad_notice", field="text", detail=str(error)[:200]) from error


async def _require_the_city(conn: Connection, actor: Actor) -> None:
    """Days are the whole city's: whoever imports them must be able to edit every roster there is."""
    roots = [
        row["id"] for row in await conn.fetch("select id::text as id from site where parent_id is null order by slug")
    ]
    mine = [root for root in roots if may(actor, Action.EDIT_ROSTER, Facts((root,)))]
    if not mine:
        raise NotAllowed()


async def _plan_all(conn: Connection, actor: Actor, now: datetime) -> tuple[Moved, ...]:
    """Every public roster of this actor, planned as things are now, against what is public."""
    found: list[Moved] = []
    for site_id in await days.list_published_sites(conn):
        try:
            site = await require_site(conn, actor, Action.SEE_ROSTER_BOARD, site_id)
        except NotAllowed:
            continue
        prepared = await publishing.prepare(conn, SiteId(site.id), now)
        found.append(Moved(site, prepared.changes))
    return tuple(found)
