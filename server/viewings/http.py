"""Recordings of one's sites, seeing those that others led, and who saw them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from aiohttp import web

from server.access.core import POLICY, Action, Actor, Facts, may
from server.api import Call, Operation, add_operations
from server.evidence.service import stamped_access
from server.i18n import language_of
from server.pages import Page, add_pages, page
from server.recordings.care import Kept, due_at
from server.viewings import core, hidden, service

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from server.db import Connection


class ViewingAsk(msgspec.Struct, forbid_unknown_fields=True):
    """Why one has to see it; written into the recording's access journal."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class ViewingAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the second person agrees."""

    agrees: bool


class ViewingShown(msgspec.Struct):
    """`asked` (a second person has to agree), `open` until then (unix seconds), or `refused`."""

    id: str
    state: str
    until: float | None


class RecordingOfSite(msgspec.Struct):
    """A recording as those who care for it see it: no names of citizens. `may`: watch, ask, hold, release, destroy."""

    session: str
    number: str
    procedure: str
    site_name: str
    led_by: str
    is_mine: bool
    opened_at: float
    state: str
    held_at: float | None
    hold_reason: str
    kept_until: float | None
    rule_years: int
    rule_source: str
    destroy_reason: str
    viewing: str
    needs_second: bool
    accesses: int
    may: list[str]


class ViewingRequest(msgspec.Struct):
    """Somebody asks to see a recording and waits for a second person."""

    id: str
    session: str
    number: str
    procedure: str
    by: str
    reason: str
    asked_at: float


class RecordingsOfSites(msgspec.Struct):
    """The newest first, and the requests that one may answer."""

    recordings: list[RecordingOfSite]
    requests: list[ViewingRequest]


class AccessShown(msgspec.Struct):
    """One entry of an access journal: asked, opened, agreed, refused, film, pack. `line`, `head`: as they are chained."""

    at: float
    kind: str
    by: str
    reason: str
    line: str
    head: str


class AccessJournal(msgspec.Struct):
    """All entries; `wrong`: the first one that does not follow from those before it (null: all do)."""

    entries: list[AccessShown]
    wrong: int | None


async def ask_viewing(call: Call[ViewingAsk]) -> ViewingShown:
    """Ask to see a recording that somebody else led."""
    async with call.connection() as conn, conn.transaction():
        return _viewing(await service.ask(conn, call.actor, call.path("session"), call.body.reason.strip(), call.now))


async def answer_viewing(call: Call[ViewingAnswer]) -> ViewingShown:
    """Agree to it, or refuse."""
    async with call.connection() as conn, conn.transaction():
        return _viewing(await service.answer(conn, call.actor, call.path("viewing"), call.body.agrees, call.now))


async def recordings_of_sites(call: Call[None]) -> RecordingsOfSites:
    """What was recorded at one's sites."""
    english, actor = language_of(call.request) == "en", call.actor
    sites = _sites(actor, Action.SEE_RECORDINGS)
    async with call.connection() as conn:
        rows = await service.listed(conn, actor, sites, call.now)
        asked = await service.requests(conn, sites)
    mine = [row for row in asked if row["asked_by"] != actor.id and _may(actor, Action.AGREE_RECORDING, row)]
    return RecordingsOfSites(
        [_listed(row, actor, english, call.now) for row in rows], [_request(row, english) for row in mine]
    )


async def accesses(call: Call[None]) -> AccessJournal:
    """Who asked for a recording, and who saw it."""
    session, english = call.path("session"), language_of(call.request) == "en"
    async with call.connection() as conn:
        entries = await service.entries(conn, call.actor, session)
        stamped = await stamped_access(conn, session)
        told = [json.loads(entry.line) for entry in entries]
        names = await _names(conn, [one["actor"] for one in told], english)
    shown = [
        AccessShown(_unix_of(one["at"]), one["kind"], names.get(one["actor"], ""), one.get("reason", ""), entry.line, entry.head)
        for one, entry in zip(told, entries, strict=True)
    ]  # fmt: skip
    return AccessJournal(shown, core.first_wrong(session, entries, stamped))


class HidePart(msgspec.Struct, forbid_unknown_fields=True):
    """A stretch on the films' clock in seconds that must not be seen, and why. seat and source null: of all."""

    from_s: Annotated[float, msgspec.Meta(ge=0, le=1e6)]
    to_s: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    cause: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    seat: str | None = None
    source: Literal["face", "voice", "document", "screen"] | None = None


class PartHidden(msgspec.Struct):
    """Films and pack are made anew without it."""

    state: str = "waiting"


async def hide_part(call: Call[HidePart]) -> PartHidden:
    """Hide a part of a recording that one led."""
    body = call.body
    part = hidden.Part(body.from_s, body.to_s, body.seat, body.source, body.cause)
    async with call.connection() as conn, conn.transaction():
        await hidden.hide(conn, call.actor, call.path("session"), part, call.now)
    return PartHidden()


async def recordings_page(call: Call[None]) -> web.StreamResponse:
    """Care of recordings: a shell, its data comes from the API."""
    return page(call, "recordings.html")


def _sites(actor: Actor, action: Action) -> list[str]:
    return [grant.site_id for grant in actor.grants if grant.role in POLICY[action]]


def _may(actor: Actor, action: Action, row: asyncpg.Record) -> bool:
    return may(actor, action, Facts(tuple(row["sites"]), in_charge=row["in_charge"]))


def _viewing(asked: service.Asked) -> ViewingShown:
    return ViewingShown(asked.id, asked.state, asked.until.timestamp() if asked.until else None)


def _listed(row: asyncpg.Record, actor: Actor, english: bool, now: datetime) -> RecordingOfSite:
    kept = Kept(row["session"], row["procedure"], row["state"], row["ended_at"], tuple(row["site_path"]), row["held_at"],
                row["asked_by"], row["asked_at"], row["reason"])  # fmt: skip
    is_mine = row["in_charge"] == actor.id
    return RecordingOfSite(
        session=kept.session,
        number=row["number"],
        procedure=kept.procedure,
        site_name=row["name_en" if english else "name_zh"],
        led_by=row["led_en" if english else "led_zh"],
        is_mine=is_mine,
        opened_at=row["opened_at"].timestamp(),
        state=kept.state,
        held_at=kept.held_at.timestamp() if kept.held_at else None,
        hold_reason=row["hold_reason"] or "",
        kept_until=due_at(kept.ended_at, kept.rule).timestamp() if kept.ended_at else None,
        rule_years=kept.rule.years,
        rule_source=kept.rule.source,
        destroy_reason=kept.reason or "",
        viewing="open" if row["is_open"] else "asked" if row["is_asked"] else "none",
        needs_second=core.needs_second(kept.procedure),
        accesses=row["accesses"],
        may=_what(row, kept, actor, now),
    )


def _what(row: asyncpg.Record, kept: Kept, actor: Actor, now: datetime) -> list[str]:
    """What the actor may do with this recording now; the server asks again when it is done."""
    if kept.state == "destroyed":
        return ["certificate"] if _may(actor, Action.DESTROY_RECORDING, row) else []
    sees = _may(actor, Action.WATCH_RECORDING, row) or row["is_open"]
    can = {
        "watch": sees,
        "ask": not sees and not row["is_asked"] and _may(actor, Action.ASK_RECORDING, row),
        "hold": kept.held_at is None and _may(actor, Action.HOLD_RECORDING, row),
        "release": kept.held_at is not None and _may(actor, Action.HOLD_RECORDING, row),
        "destroy": kept.why_not(now) is None
        and kept.asked_by != actor.id
        and _may(actor, Action.DESTROY_RECORDING, row),
    }
    return [name for name, it_may in can.items() if it_may]


def _request(row: asyncpg.Record, english: bool) -> ViewingRequest:
    by = row["by_en" if english else "by_zh"]
    at = row["asked_at"].timestamp()
    return ViewingRequest(row["id"], row["session"], row["number"], row["procedure"], by, row["reason"], at)


async def _names(conn: Connection, people: list[str], english: bool) -> dict[str, str]:
    rows = await conn.fetch(service.SQL["names"], list(set(people)))
    return {row["id"]: row["name_en" if english else "name_zh"] for row in rows}


def _unix_of(text: str) -> float:
    return core.moment(text).timestamp()


_SESSION = "/api/sessions/{session}"
OPERATIONS = [
    Operation("GET", "/api/recordings", recordings_of_sites, Action.SEE_RECORDINGS, "What was recorded at one's sites", reply=RecordingsOfSites),
    Operation("GET", f"{_SESSION}/accesses", accesses, Action.SEE_RECORDINGS, "Who asked for a recording and who saw it", reply=AccessJournal),
    Operation("POST", f"{_SESSION}/viewings", ask_viewing, Action.ASK_RECORDING, "Ask to see a recording that somebody else led", body=ViewingAsk, reply=ViewingShown),
    Operation("POST", f"{_SESSION}/hidden-parts", hide_part, Action.HIDE_PART, "Hide a part of a recording, with a cause", body=HidePart, reply=PartHidden),
    Operation("POST", "/api/viewings/{viewing}/answer", answer_viewing, Action.AGREE_RECORDING, "Agree to a viewing, or refuse it", body=ViewingAnswer, reply=ViewingShown),
]  # fmt: skip
PAGES = [Page("/recordings", recordings_page, Action.SEE_RECORDINGS)]


def add(app: web.Application) -> None:
    """Plug in, after the recordings."""
    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
