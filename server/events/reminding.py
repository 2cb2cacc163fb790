"""The monthly screening (the 18th, or the next working day) as a task: on its day the coordinators of each site are told, once."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from schedules.core.explain import Language, Words, day_name, local_day
from schedules.core.model import SiteId, local
from schedules.store import inputs
from server.db.statements import load_statements
from server.events.service import screening_due
from server.keys import CLOCK
from server.messages.people import tell_people
from server.rounds import rounds

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp import web

    from server.db import Connection

EVERY_S = 600.0
FROM = time(9)  # nobody reads a task at midnight
NAMED = 15  # sites in one message; the board lists them all

_SQL = load_statements(__package__)
_DUE = Words("今天做本月主动排摸", "The month's screening is due today")
_SAYS = Words(
    "请汇总12345工单、信访和本地高频问题，写下需求和打算，排进主题活动或讲座。",
    "Gather hotline calls, petitions and frequent local problems; write needs and plan; plan the next events from them.",
)


async def make_round(conn: Connection, now: datetime) -> None:
    """Tell those whose day has come, inside the caller's transaction."""
    month = local_day(now).replace(day=1)
    due = screening_due(month)
    if now < local(due, FROM):
        return
    sites = [SiteId(row["id"]) for row in await conn.fetch(_SQL["screening_sites"])]
    theirs: dict[str, list[SiteId]] = {}
    for site in sites:
        if await conn.fetchval(_SQL["tell_screening"], site, month, due, now):
            for row in await conn.fetch(_SQL["coordinators_of"], site):
                theirs.setdefault(row["id"], []).append(site)
    places = await inputs.name_sites(conn, sites)
    for person, named in theirs.items():  # one message each, however many sites
        more = [f"... +{len(named) - NAMED}"] if len(named) > NAMED else []
        lines = [
            "\n".join(
                [
                    day_name(due, language),
                    *(places[site].name[language] for site in named[:NAMED]),
                    *more,
                    _SAYS[language],
                ]
            )
            for language in Language
        ]
        await tell_people(conn, [person], "screening_due", _DUE, Words(*lines), now)


async def _make_round(app: web.Application, conn: Connection) -> None:
    await make_round(conn, app[CLOCK]())


keep_going = rounds("screenings", EVERY_S, _make_round)
