"""The roster API: edit the draft, preview it, publish it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

from schedules.core.explain import Language
from schedules.core.model import Interval, Leave, Override, OverrideKind, PersonId, SlotKey, Window, local
from schedules.store import inputs, releases
from server.access.core import Action
from server.access.require import as_uuid, require_site_by_slug
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.duty import editing, publishing
from server.duty.messages import (
    Edited,
    LeaveBody,
    LeaveEntered,
    OnDutyView,
    OverrideBody,
    PublishedView,
    RevisionQuery,
    RotationBody,
    WindowBody,
)
from server.duty.views import PreviewView, preview_view
from server.errors import BadInput
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from schedules.core.explain import People
    from server.db import Connection
    from server.duty.publishing import Prepared, Published


def reader_language(call: Call[None]) -> Language:
    """The language of the reader."""
    return Language(language_of(call.request))


async def preview_roster(call: Call[None]) -> PreviewView:
    """What would be published now, with gaps, warnings, differences and reasons."""
    async with call.connection() as conn:
        _, prepared = await publishing.preview(conn, call.actor, call.path("site"), call.now)
        people = await names_for(conn, prepared)
    return preview_view(prepared, people, reader_language(call), call.now)


async def names_for(conn: Connection, prepared: Prepared) -> People:
    """Names of everybody a preview mentions."""
    mentioned = {person.id for person in prepared.inputs.people}
    mentioned |= {override.person for override in prepared.inputs.overrides if override.person}
    for change in prepared.changes:
        mentioned |= change.people
    return await inputs.name_people(conn, mentioned)


async def publish_roster(call: Call[None]) -> PublishedView:
    """Publish exactly what was previewed: If-Match carries the preview's mark."""
    mark = call.request.headers.get("If-Match", "").strip('"')
    if not mark:
        raise BadInput("if_match_missing", field="If-Match")
    base_url = call.app[SETTINGS].public_url.rstrip("/")

    async def work(conn: Connection) -> Published:
        return await publishing.publish(conn, call.actor, call.path("site"), mark, base_url, call.now)

    published = await in_transaction(call.pool, work)
    return PublishedView(published.version, published.is_new, len(published.changes))


async def set_window(call: Call[WindowBody]) -> Edited:
    """Choose the days of the next publish."""
    window = Window(call.body.first, call.body.last)

    async def work(conn: Connection) -> int:
        return await editing.set_window(conn, call.actor, call.path("site"), call.body.revision, window, call.now)

    return Edited(await in_transaction(call.pool, work))


async def add_rotation(call: Call[RotationBody]) -> Edited:
    """A new rotation."""
    return await _save_rotation(call, None)


async def replace_rotation(call: Call[RotationBody]) -> Edited:
    """Another wording of a rotation: its shifts keep their identity, so calendars move them instead of doubling them."""
    return await _save_rotation(call, str(as_uuid(call.path("rotation"))))


async def _save_rotation(call: Call[RotationBody], identifier: str | None) -> Edited:
    rotation = call.body.to_rotation(str(as_uuid(call.path("site"))), identifier)

    async def work(conn: Connection) -> int:
        return await editing.save_rotation(conn, call.actor, call.body.revision, rotation, call.now)

    return Edited(await in_transaction(call.pool, work), rotation.id)


async def retire_rotation(call: Call[None]) -> Edited:
    """End a rotation."""

    async def work(conn: Connection) -> int:
        where = (call.path("site"), call.query.revision, call.path("rotation"))
        return await editing.retire_rotation(conn, call.actor, *where, call.now)

    return Edited(await in_transaction(call.pool, work))


async def add_override(call: Call[OverrideBody]) -> Edited:
    """Name a substitute, or withdraw a shift."""
    body = call.body
    if (body.kind == "substitute") != (body.person is not None):
        raise BadInput("bad_input", field="person", detail="a substitute is a person; a closed shift has none")
    person = None if body.person is None else PersonId(body.person)
    override = Override(SlotKey(body.slot), OverrideKind(body.kind), body.reason.strip(), body.post, person)

    async def work(conn: Connection) -> tuple[int, str]:
        return await editing.add_override(conn, call.actor, call.path("site"), body.revision, override, call.now)

    return Edited(*await in_transaction(call.pool, work))


async def withdraw_override(call: Call[None]) -> Edited:
    """Take a decision back."""

    async def work(conn: Connection) -> int:
        where = (call.path("site"), call.query.revision, call.path("override"))
        return await editing.withdraw_override(conn, call.actor, *where, call.now)

    return Edited(await in_transaction(call.pool, work))


async def add_leave(call: Call[LeaveBody]) -> LeaveEntered:
    """Enter whole days on which a person is away."""
    body = call.body
    during = Interval(local(body.first, time.min), local(body.last + timedelta(days=1), time.min))

    async def work(conn: Connection) -> str:
        leave = Leave(PersonId(body.person), during)
        return await editing.add_leave(conn, call.actor, call.path("site"), body.person, leave, call.now)

    return LeaveEntered(await in_transaction(call.pool, work))


async def remove_leave(call: Call[None]) -> None:
    """Take a leave back."""

    async def work(conn: Connection) -> None:
        await editing.remove_leave(conn, call.actor, call.path("site"), call.path("leave"), call.now)

    await in_transaction(call.pool, work)


async def who_is_on_duty(call: Call[None]) -> list[OnDutyView]:
    """Who serves at a site now; public."""
    language = reader_language(call)
    async with call.connection() as conn:
        site = await require_site_by_slug(conn, call.actor, Action.SEE_PUBLIC, call.path("slug"))
        serving = await releases.on_duty(conn, site.id, None, call.now)
    return [OnDutyView(s.name[language], s.service, s.role, s.until.isoformat()) for s in serving]


_SITE = "/api/rosters/{site}"

OPERATIONS = [
    Operation(
        "GET",
        _SITE + "/preview",
        preview_roster,
        Action.SEE_ROSTER_BOARD,
        "Preview what would be published",
        reply=PreviewView,
    ),
    Operation(
        "POST",
        _SITE + "/publish",
        publish_roster,
        Action.PUBLISH_ROSTER,
        "Publish a preview (If-Match: its mark)",
        reply=PublishedView,
    ),
    Operation(
        "PUT",
        _SITE + "/window",
        set_window,
        Action.EDIT_ROSTER,
        "Choose the days to publish",
        body=WindowBody,
        reply=Edited,
    ),
    Operation(
        "POST",
        _SITE + "/rotations",
        add_rotation,
        Action.EDIT_ROSTER,
        "Add a rotation",
        body=RotationBody,
        reply=Edited,
    ),
    Operation(
        "PUT",
        _SITE + "/rotations/{rotation}",
        replace_rotation,
        Action.EDIT_ROSTER,
        "Change a rotation",
        body=RotationBody,
        reply=Edited,
    ),
    Operation(
        "DELETE",
        _SITE + "/rotations/{rotation}",
        retire_rotation,
        Action.EDIT_ROSTER,
        "End a rotation",
        query=RevisionQuery,
        reply=Edited,
    ),
    Operation(
        "POST",
        _SITE + "/overrides",
        add_override,
        Action.EDIT_ROSTER,
        "Substitute or withdraw a shift",
        body=OverrideBody,
        reply=Edited,
    ),
    Operation(
        "DELETE",
        _SITE + "/overrides/{override}",
        withdraw_override,
        Action.EDIT_ROSTER,
        "Take a decision back",
        query=RevisionQuery,
        reply=Edited,
    ),
    Operation(
        "POST", _SITE + "/leave", add_leave, Action.EDIT_ROSTER, "Enter a leave", body=LeaveBody, reply=LeaveEntered
    ),
    Operation("DELETE", _SITE + "/leave/{leave}", remove_leave, Action.EDIT_ROSTER, "Take a leave back"),
    Operation(
        "GET",
        "/api/sites/{slug}/on-duty",
        who_is_on_duty,
        Action.SEE_PUBLIC,
        "Who is on duty now",
        reply=list[OnDutyView],
    ),
]
