"""What a coordinator enters about a site: services ("3 + X"), ways to other sites, purchased service. Hours and closures are the hall's (server/lines)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec

from schedules.core.model import SiteId
from schedules.store import shifts
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site, require_site_by_slug
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.db.statements import load_statements
from server.errors import BadInput, NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from server.db import Connection

_SQL = load_statements(__package__)

BASIC = ("legal_aid", "mediation", "legal_advice")
"""The three that every site has ("3 + X", 003-02)."""
EXTRA = ("notarization", "forensic", "education", "arbitration", "review")
"""What X can be here: the rest of "6 + X" (004-06), arbitration and administrative review."""
Offered = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{1,40}$")]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class ServicesBody(msgspec.Struct, forbid_unknown_fields=True):
    """The services of a site; none: not declared, rosters warn of nothing."""

    services: Annotated[list[Offered], msgspec.Meta(max_length=20)]


class WaysBody(msgspec.Struct, forbid_unknown_fields=True):
    """Minutes from this site to others, by slug, the same in both directions; null forgets a way."""

    minutes: Annotated[dict[str, Minutes | None], msgspec.Meta(max_length=500)]


class PurchaseBody(msgspec.Struct, forbid_unknown_fields=True):
    """Purchased service: so many shifts of a service between two days, both included."""

    service: Offered
    provider: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
    first: date
    last: date
    shifts: Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class PurchaseAdded(msgspec.Struct):
    """The id of a purchase."""

    id: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase and how many of its shifts the public roster has."""

    id: str
    service: str
    provider: str
    first_day: date
    last_day: date
    shifts: int
    used: int


@dataclass(frozen=True, slots=True)
class Way:
    """Another site and the minutes to it; None: unknown, which counts as no time at all."""

    slug: str
    name_zh: str
    name_en: str
    minutes: int | None


async def _begin(conn: Connection, call: Call[Any]) -> SiteId:
    return SiteId((await require_site(conn, call.actor, Action.EDIT_ROSTER, call.path("site"))).id)


async def _done(conn: Connection, call: Call[Any], site: SiteId, action: str, detail: dict[str, object]) -> None:
    await shifts.touch_revision(conn, site, call.now, call.actor.id)
    await audit.append(conn, call.actor, action, "site", site, call.now, detail)


async def set_services(call: Call[ServicesBody]) -> None:
    """Declare what a site offers."""

    async def work(conn: Connection) -> None:
        site = await _begin(conn, call)
        await conn.execute(_SQL["clear_offers"], site)
        await conn.execute(_SQL["add_offers"], site, sorted(set(call.body.services)))
        await _done(conn, call, site, "set_services", {"services": sorted(set(call.body.services))})

    await in_transaction(call.pool, work)


async def set_ways(call: Call[WaysBody]) -> None:
    """Enter how long the ways to other sites take."""

    async def work(conn: Connection) -> None:
        site = await _begin(conn, call)
        for slug, minutes in sorted(call.body.minutes.items()):
            other = SiteId((await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, slug)).id)
            if other == site:
                raise BadInput("bad_input", field="minutes", detail="a way leads to another site")
            one, two = sorted((site, other))
            if minutes is None:
                await conn.execute(_SQL["drop_way"], one, two)
            else:
                await conn.execute(_SQL["save_way"], one, two, minutes)
            await shifts.touch_revision(conn, other, call.now, call.actor.id)
        await _done(conn, call, site, "set_ways", {"ways": len(call.body.minutes)})

    await in_transaction(call.pool, work)


async def add_purchase(call: Call[PurchaseBody]) -> PurchaseAdded:
    """Enter what was purchased."""
    body = call.body
    if body.last < body.first:
        raise BadInput("bad_window", field="last")

    async def work(conn: Connection) -> str:
        site = await _begin(conn, call)
        values = (body.service, body.provider.strip(), body.first, body.last, body.shifts)
        identifier = str(await conn.fetchval(_SQL["add_purchase"], site, *values))
        await _done(conn, call, site, "add_purchase", {"purchase": identifier, "shifts": body.shifts})
        return identifier

    return PurchaseAdded(await in_transaction(call.pool, work))


async def drop_purchase(call: Call[None]) -> None:
    """Take a purchase out."""

    async def work(conn: Connection) -> None:
        site = await _begin(conn, call)
        if not await conn.fetchval(_SQL["drop_purchase"], site, str(as_uuid(call.path("purchase")))):
            raise NotFound()
        await _done(conn, call, site, "drop_purchase", {"purchase": call.path("purchase")})

    await in_transaction(call.pool, work)


async def list_purchases(conn: Connection, site: SiteId) -> list[Purchase]:
    """Purchases, the newest first."""
    return [Purchase(**dict(row)) for row in await conn.fetch(_SQL["list_purchases"], site)]


async def list_ways(conn: Connection, site: SiteId) -> list[Way]:
    """Every other site with the way to it."""
    return [Way(**dict(row)) for row in await conn.fetch(_SQL["list_ways"], site)]


async def list_offers(conn: Connection, site: SiteId) -> list[str]:
    """The declared services, those that every site has first."""
    rows = await conn.fetch(_SQL["list_offers"], site)
    order = {code: place for place, code in enumerate((*BASIC, *EXTRA))}
    return sorted((row["service"] for row in rows), key=lambda code: (order.get(code, len(order)), code))


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody in a team; `left_on`: the first day without it."""

    team: str
    person: str
    name_zh: str
    name_en: str
    admitted_on: date
    left_on: date | None


async def list_members(conn: Connection, now: datetime) -> list[Membership]:
    """Everybody in a team, and who left within the last year."""
    return [Membership(**dict(row)) for row in await conn.fetch(_SQL["list_members"], now)]


_SITE, _EDIT = "/api/rosters/{site}", Action.EDIT_ROSTER
OPERATIONS = [
    Operation("PUT", _SITE + "/services", set_services, _EDIT, "Services of a site", body=ServicesBody),
    Operation("PUT", _SITE + "/ways", set_ways, _EDIT, "Ways to other sites", body=WaysBody),
    Operation(
        "POST", _SITE + "/purchases", add_purchase, _EDIT, "Purchased service", body=PurchaseBody, reply=PurchaseAdded
    ),
    Operation("DELETE", _SITE + "/purchases/{purchase}", drop_purchase, _EDIT, "Take a purchase out"),
]
