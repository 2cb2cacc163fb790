"""Storage plugs in: space is measured from the first moment on, packs are copied, all is looked at monthly; the administrator's page of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from prometheus_client import Gauge

from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.db.pool import in_transaction
from server.health import METRICS
from server.keys import CLOCK, POOL, SETTINGS, TEMPLATES
from server.pages import Page, add_pages, page
from server.rounds import rounds
from server.signaling.rooms import ROOMS
from server.storage import core, space, store
from server.storage.copies import Copies
from server.storage.s3 import LockedBucket, keys_from
from server.storage.scrubbing import Scrub
from server.storage.telling import tell_administrators
from server.tasks import running
from server.waiting.core import CITY_TIME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.db import Connection


FREE: web.AppKey[Gauge] = web.AppKey("storage_free", Gauge)


class SpaceShown(msgspec.Struct):
    """The volume of the recordings. seconds_left: at the present pace, null while nobody is recorded; fits: another session would."""

    free_bytes: int
    total_bytes: int
    reserved_bytes: int
    recording: int
    seconds_left: float | None
    is_low: bool
    fits: bool


class SecondVolume(msgspec.Struct):
    """The volume that takes over. sessions: running ones that are recorded there, because the first is full or has failed."""

    free_bytes: int
    total_bytes: int
    sessions: int


class CopiesShown(msgspec.Struct):
    """Packs in the second place. is_set: there is one; error: of the copy that waits longest.

    older   copies that newer ones have followed and that nobody can take away before older_until: what was hidden since is in them
    """

    is_set: bool
    stored: int
    waiting: int
    newest: float | None
    error: str
    older: int
    older_until: float | None


class CheckShown(msgspec.Struct):
    """The last look at one recording. damage is empty when it is as it was written."""

    session: str
    checked_at: float
    bytes: int
    damage: list[str]


class ChecksShown(msgspec.Struct):
    """The monthly look at all recordings: `never` are too new for it; oldest: when the one was looked at that waits longest."""

    checked: int
    never: int
    damaged: int
    bytes: int
    oldest: float | None
    newest: float | None
    last: list[CheckShown]


class Storage(msgspec.Struct):
    """How storage is."""

    space: SpaceShown | None
    second: SecondVolume | None
    copies: CopiesShown
    checks: ChecksShown


async def storage(call: Call[None]) -> Storage:
    """How storage is, now."""
    async with call.connection() as conn:
        copies, checks = await conn.fetchrow(store.SQL["copies"]), await conn.fetchrow(store.SQL["checks"])
        before = await conn.fetchrow(store.SQL["copies_before"], call.now)
        assert copies is not None
        assert before is not None
        assert checks is not None
        last = [
            CheckShown(row["session"], row["checked_at"].timestamp(), row["bytes"], row["damage"])
            for row in await conn.fetch(store.SQL["last_checks"])
        ]
        shown, second = await _space(conn, call), await _second(conn, call)
    is_set = call.app[SETTINGS].evidence.store is not None
    return Storage(
        shown,
        second,
        CopiesShown(
            is_set, copies["stored"], copies["waiting"], _unix(copies["newest"]), copies["error"] or "",
            before["older"], _unix(before["until"]),
        ),
        ChecksShown(
            checks["checked"], checks["never"], checks["damaged"], checks["bytes"], _unix(checks["oldest"]), _unix(checks["newest"]), last
        ),
    )  # fmt: skip


async def _space(conn: Connection, call: Call[None]) -> SpaceShown | None:
    found = await store.space(conn)
    if found is None:
        return None
    sessions = await store.recording_sessions(conn)
    volume, count = found[0], len(sessions)
    return SpaceShown(
        volume.free, volume.total, core.reserved_bytes(sessions, call.now), count, core.seconds_left(volume, count),
        core.is_low(volume, count), core.fits(volume, sessions, "notarization", call.now),
    )  # fmt: skip


async def _second(conn: Connection, call: Call[None]) -> SecondVolume | None:
    found = await space.second(conn, call.app[SETTINGS].data)
    return SecondVolume(found.space.free, found.space.total, found.sessions) if found else None


def _unix(at: object) -> float | None:
    return at.timestamp() if at is not None else None  # type: ignore[attr-defined]


async def storage_page(call: Call[None]) -> web.StreamResponse:
    """The page of it."""
    return page(call, "storage.html", storage=await storage(call), gb=_gigabytes, moment=_moment)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f}"


def _moment(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, CITY_TIME):%Y-%m-%d %H:%M}"


OPERATIONS = [
    Operation("GET", "/api/admin/storage", storage, Action.SEE_STORAGE, "How storage is", reply=Storage),
]
PAGES = [Page("/admin/storage", storage_page, Action.SEE_STORAGE)]


# ---------------------------------------------------------------- what goes on beside the requests


async def _look(app: web.Application, conn: Connection) -> None:
    seen = await space.look(app, conn)
    app[FREE].set(seen.space.free)
    app[ROOMS].space_is_low(seen.is_low)
    if seen.is_low or not seen.fits:
        kind = "low" if seen.is_low else "full"
        await tell_administrators(conn, app[TEMPLATES].catalogs, kind, app[CLOCK](), mb=seen.space.free >> 20)
    second = await space.second(conn, app[SETTINGS].data)
    if second and second.sessions:
        catalogs, mb = app[TEMPLATES].catalogs, second.space.free >> 20
        await tell_administrators(conn, catalogs, "second", app[CLOCK](), count=second.sessions, mb=mb)


async def _look_first(app: web.Application) -> AsyncIterator[None]:
    await in_transaction(app[POOL], lambda conn: _look(app, conn))
    yield


async def _copy(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS].evidence.store
    if settings is None:
        yield
        return
    bucket = LockedBucket(settings, keys_from())
    copies = Copies(app[POOL], app[CLOCK], app[SETTINGS].data, bucket, settings.lock_days)
    async with running("copies of packs", copies.run()):
        yield


async def _scrub(app: web.Application) -> AsyncIterator[None]:
    async with running("monthly look", Scrub(app).run()):
        yield


def add(app: web.Application) -> None:
    """Plug in, behind the rooms, which are told when space ends, and behind the recordings."""
    app[FREE] = Gauge(
        "laizuo_storage_free_bytes", "Free on the volume of the recordings", registry=app[METRICS].registry
    )
    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
    app.cleanup_ctx.append(_look_first)
    app.cleanup_ctx.append(rounds("storage space", space.LOOK_EVERY_S, _look))
    app.cleanup_ctx.append(_copy)
    app.cleanup_ctx.append(_scrub)
