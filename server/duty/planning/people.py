"""What a coordinator enters about the site's staff: teams, limits, licences. Every roster with the person gets a new revision."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from schedules.core.conflicts import LICENCE_NOTICE
from schedules.core.model import ALWAYS, Limits, PersonId, SiteId, Window
from schedules.store import people
from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.db.statements import load_statements
from server.duty.editing import list_staff
from server.duty.messages import PersonText, Role
from server.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.db import Connection

_SQL = load_statements(__package__)
NOTICE_AHEAD = LICENCE_NOTICE + timedelta(days=30)
"""Licences are listed a month before a roster warns of them: renewing takes weeks."""


class LimitsBody(msgspec.Struct, forbid_unknown_fields=True):
    """A person's own limits; `home` is the site at which their way begins."""

    max_days_a_week: Annotated[int, msgspec.Meta(ge=1, le=7)] | None = None
    rest_minutes: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 0
    home: PersonText | None = None


async def limits_of(conn: Connection, ids: Sequence[PersonId]) -> dict[PersonId, Limits]:
    """The own limits of those who have some."""
    rows = await conn.fetch(_SQL["list_limits"], list(ids))
    return {PersonId(row["person"]): Limits(row["max_days_a_week"], row["rest_minutes"]) for row in rows}


class LicenceBody(msgspec.Struct, forbid_unknown_fields=True):
    """The days on which a licence is valid, both included; null: without end."""

    first: date | None = None
    last: date | None = None


class MemberBody(msgspec.Struct, forbid_unknown_fields=True):
    """Admission: the first day. Exit: the first day without membership."""

    person: PersonText
    day: date


class TeamView(msgspec.Struct):
    """A service team; `kind` is linked, volunteers, purchased or other."""

    slug: str
    name_zh: str
    name_en: str
    kind: str
    members: int


class ExpiringView(msgspec.Struct):
    """A licence that ends soon or has ended."""

    person: str
    licence: str
    last: date


async def _staff_member(conn: Connection, call: Call[Any], person: str) -> tuple[str, PersonId]:
    """The site and somebody of its staff. Raises NotFound."""
    site = await require_site(conn, call.actor, Action.EDIT_ROSTER, call.path("site"))
    wanted = PersonId(str(as_uuid(person)))
    if wanted not in {member.id for member in await list_staff(conn, SiteId(site.id))}:
        raise NotFound("unknown_person")
    return site.id, wanted


async def _done(conn: Connection, call: Call[Any], action: str, person: PersonId, detail: dict[str, object]) -> None:
    await people.raise_revisions(conn, person, call.now)
    await audit.append(conn, call.actor, action, "person", person, call.now, detail)


async def set_limits(call: Call[LimitsBody]) -> None:
    """Say what a person can be asked for at most."""
    body = call.body

    async def work(conn: Connection) -> None:
        _, person = await _staff_member(conn, call, call.path("person"))
        home = None if body.home is None else SiteId(str(as_uuid(body.home)))
        if home is not None:
            await require_site(conn, call.actor, Action.SEE_PUBLIC, home)
        await people.save_limits(conn, person, Limits(body.max_days_a_week, body.rest_minutes), home)
        await _done(conn, call, "set_limits", person, {})

    await in_transaction(call.pool, work)


async def set_licence(call: Call[LicenceBody]) -> None:
    """Enter the days of a licence."""
    valid = Window(call.body.first or ALWAYS.first, call.body.last or ALWAYS.last)
    code = call.path("licence")
    if valid.last < valid.first:
        raise BadInput("bad_window", field="last")
    if code not in Role.__args__:  # type: ignore[attr-defined]  # a Literal's members
        raise NotFound()

    async def work(conn: Connection) -> None:
        _, person = await _staff_member(conn, call, call.path("person"))
        await people.save_licence(conn, person, code, valid)
        await _done(conn, call, "set_licence", person, {"licence": code})

    await in_transaction(call.pool, work)


async def admit_member(call: Call[MemberBody]) -> None:
    """Admit somebody to a team."""

    async def work(conn: Connection) -> None:
        _, person = await _staff_member(conn, call, call.body.person)
        try:
            if await people.admit(conn, call.path("team"), person, call.body.day, call.actor.id) is None:
                raise NotFound("unknown_team")
        except people.MemberAlready as error:
            raise Conflict("member_already") from error
        await _done(conn, call, "admit_member", person, {"team": call.path("team")})

    await in_transaction(call.pool, work)


async def end_membership(call: Call[MemberBody]) -> None:
    """Somebody leaves a team: from that day on no rotation of the team seats this person."""

    async def work(conn: Connection) -> None:
        _, person = await _staff_member(conn, call, call.body.person)
        if not await people.leave_team(conn, call.path("team"), person, call.body.day):
            raise NotFound()
        await _done(conn, call, "end_membership", person, {"team": call.path("team")})

    await in_transaction(call.pool, work)


async def list_teams(call: Call[None]) -> list[TeamView]:
    """The service teams."""
    async with call.connection() as conn:
        await require_site(conn, call.actor, Action.SEE_ROSTER_BOARD, call.path("site"))
        found = await people.list_teams(conn, call.now.date())
    return [TeamView(team.slug, team.name_zh, team.name_en, team.kind, team.members) for team in found]


async def expiring_licences(call: Call[None]) -> list[ExpiringView]:
    """Licences of the site's staff that end within two months."""
    async with call.connection() as conn:
        site = await require_site(conn, call.actor, Action.SEE_ROSTER_BOARD, call.path("site"))
        staff = [member.id for member in await list_staff(conn, SiteId(site.id))]
        found = await people.list_expiring(conn, staff, call.now.date() + NOTICE_AHEAD)
    return [ExpiringView(one.person, one.code, one.last) for one in found]


_SITE, _EDIT = "/api/rosters/{site}", Action.EDIT_ROSTER
OPERATIONS = [
    Operation("PUT", _SITE + "/people/{person}/limits", set_limits, _EDIT, "A person's own limits", body=LimitsBody),
    Operation(
        "PUT", _SITE + "/people/{person}/licences/{licence}", set_licence, _EDIT, "Days of a licence", body=LicenceBody
    ),
    Operation("GET", _SITE + "/teams", list_teams, Action.SEE_ROSTER_BOARD, "Service teams", reply=list[TeamView]),
    Operation("POST", _SITE + "/teams/{team}/members", admit_member, _EDIT, "Admit to a team", body=MemberBody),
    Operation("POST", _SITE + "/teams/{team}/exits", end_membership, _EDIT, "Leave a team", body=MemberBody),
    Operation(
        "GET",
        _SITE + "/licences",
        expiring_licences,
        Action.SEE_ROSTER_BOARD,
        "Licences that end soon",
        reply=list[ExpiringView],
    ),
]
