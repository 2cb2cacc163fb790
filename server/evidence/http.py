"""The checker's page for everybody, and the loop that anchors live journals."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from server.access.core import Action
from server.api import Call
from server.db.claims import ClaimLost, claim, give_back, hold
from server.db.pool import connection, in_transaction
from server.evidence import service, store
from server.evidence.anchoring import Anchoring
from server.evidence.verifier_page import bare_policy, verifier_page
from server.keys import CLOCK, POOL, SETTINGS
from server.pages import Page, add_pages
from server.recordings import store as recordings_store
from server.recordings.http import RECORDINGS
from server.recordings.making import run_maker
from server.tasks import running

if TYPE_CHECKING:
    from server.db import Connection
LATE = "late_stamps"


async def show_verifier(call: Call[None]) -> web.StreamResponse:
    """The page that checks packs; `?download` saves it, for a USB stick."""
    headers = {"Content-Security-Policy": bare_policy(), "Cache-Control": "no-cache"}
    if "download" in call.request.query:
        headers["Content-Disposition"] = 'attachment; filename="verifier.html"'
    return web.Response(text=verifier_page(), content_type="text/html", charset="utf-8", headers=headers)


PAGES = [Page("/verifier.html", show_verifier, Action.SEE_PUBLIC)]


def add(app: web.Application) -> None:
    """Plug in: the page and the loop. After the recordings, whose journals it reads."""
    add_pages(app, PAGES)
    app.cleanup_ctx.append(_anchor)


async def _anchor(app: web.Application) -> AsyncIterator[None]:
    settings, clock = app[SETTINGS], app[CLOCK]
    authority = app[RECORDINGS].authority

    async def add_late(session: str) -> None:
        await _add_late_alone(app, session)

    anchoring = Anchoring(
        app[POOL], clock, authority, app[RECORDINGS].journal_directory, service.anchor_folders(settings), add_late
    )
    async with running("anchoring", anchoring.run()):
        yield


async def _add_late_alone(app: web.Application, session: str) -> None:
    """Unless another web process is at it: two at once would write one file."""
    pool, now = app[POOL], app[CLOCK]()
    ours = await in_transaction(pool, lambda conn: claim(conn, LATE, session, now))
    if ours is None:
        return
    try:
        with contextlib.suppress(ClaimLost):
            await hold(pool, app[CLOCK], ours, _add_late(app, session))
    finally:
        await in_transaction(pool, lambda conn: give_back(conn, ours))


async def _add_late(app: web.Application, session: str) -> None:
    """The session's pack with the stamps that came after it was made."""
    recordings, now = app[RECORDINGS], app[CLOCK]()
    async with connection(app[POOL]) as conn:
        wanted = await service.late_spec(conn, session)
        pack = await recordings_store.pack(conn, session)
        _, wrapped = await recordings_store.recording_key(conn, session)
    if pack is None or wrapped is None:
        return
    key = base64.b64encode(recordings.unwrap(wrapped, session)).decode()
    spec = {"stamp": wanted, "output": str(recordings.data / pack.path), "key": key}
    done = await run_maker(("server.evidence",), spec, lambda *_: None)

    async def note(conn: Connection) -> None:
        await recordings_store.resize_film(conn, pack.id, done["bytes"])
        await store.mark_packed(conn, session, now)

    await in_transaction(app[POOL], note)
