"""What the recorder of a room gets: where its journal goes, the session's key, the facts that open it.

The key is made and kept by server/recordings, which puts its `session_key` under SESSION_KEY. Without it no recorded room opens:
a notarial act that is not recorded is none, and everybody in the room is told why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.mediaplane.facts import JournalPlace
from server.mediaplane.hold import CannotRecord
from server.sessions import store
from server.storage.core import BEGIN_BYTES
from server.storage.space import free_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from server.db import Connection
    from server.mediaplane.hold import RoomSpec

SessionKey = Callable[
    ["Connection", str], Awaitable[bytes]
]  # (connection, session) -> 32 bytes; runs in the caller's transaction
SESSION_KEY: web.AppKey[SessionKey] = web.AppKey("session_key", Callable)  # type: ignore[arg-type]  # AppKey wants a class


class JournalPlan:
    """Journals below the data directory: one directory a room, whichever worker writes it."""

    def __init__(self, data: Path, session_key: SessionKey | None) -> None:
        self._data, self._root = data, data / "journals"
        self._session_key = session_key

    async def place(self, conn: Connection, spec: RoomSpec) -> JournalPlace:
        """Raises CannotRecord."""
        if self._session_key is None:
            raise CannotRecord("no key for the journal: this product has no recordings part")
        if (free := await asyncio.to_thread(free_bytes, self._data)) < BEGIN_BYTES:
            raise CannotRecord(f"no space for the journal: {free >> 20} MB are left")
        key = await self._session_key(conn, spec.session)
        facts = {"procedure": spec.procedure}
        if cause := await store.recording_stopped_by(conn, spec.session):
            facts["after"] = cause  # a journal that goes on says what it goes on after: who failed could not write it
        return JournalPlace(self._root / spec.session / spec.room, key, facts)


ShowRecording = Callable[
    ["Connection", str], Awaitable["dict[str, Any] | None"]
]  # (connection, session) -> what its page shows
SHOW_RECORDING: web.AppKey[ShowRecording] = web.AppKey("show_recording", Callable)  # type: ignore[arg-type]
