"""Recordings for the other parts: the session's key, what a session's page shows, and a film for somebody who may watch it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media.record.journal import new_session_key
from media.record.keys import KeyProblem, MasterKeys
from media.record.volumes import directories_of
from server import audit
from server.access.core import Action
from server.access.require import as_uuid
from server.errors import NotFound
from server.mediaplane.hold import CannotRecord
from server.recordings import core, store
from server.recordings.rotation import master_keys
from server.viewings.hidden import require_made
from server.viewings.service import require_viewer, write_entry

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection
    from server.evidence.signing import Authority
    from server.recordings.store import FilmRow, RecordingRow

# Pieces of one film that are asked for within this time are one view.
ONE_VIEW = timedelta(minutes=30)
# Shown while nobody has written more: words for the journal's own cause.
NOT_RECORDED = "nothing was recorded"


@dataclass(frozen=True, slots=True)
class Watched:
    """A film that somebody may watch now: the sealed file and its key."""

    film: FilmRow
    path: Path
    key: bytes


class Recordings:
    """Holds the master keys and knows where things lie; everything else is in the database."""

    def __init__(self, data: Path, key_file: Path) -> None:
        self.data = data
        self._key_file = key_file
        self._master: MasterKeys | None = None
        self._authority: Authority | None = None

    def load_keys(self) -> None:
        """Before anything else. A missing key file is made. Raises ConfigError, OSError."""
        self._master = master_keys(self._key_file, os.environ)

    def open_authority(self, authority: Authority) -> None:
        """Who signs and stamps packs; at start."""
        self._authority = authority

    @property
    def authority(self) -> Authority:
        if self._authority is None:
            raise CannotRecord("nobody is there to sign packs yet")
        return self._authority

    @property
    def _keys(self) -> MasterKeys:
        if self._master is None:
            raise CannotRecord("the master keys are not loaded yet")
        return self._master

    async def session_key(self, conn: Connection, session_id: str) -> bytes:
        """The key of a session's journals, made at the first call, inside the caller's transaction. Raises CannotRecord."""
        there, wrapped = await store.recording_key(conn, session_id)
        if not there:
            new = self._keys.wrap(new_session_key(), session_id)
            # The database's clock: the caller's transaction has no other, and the time is only for people.
            await store.insert_recording(conn, session_id, new, await conn.fetchval("select now()"))
            there, wrapped = await store.recording_key(conn, session_id)
        return self.unwrap(wrapped, session_id)

    def unwrap(self, wrapped: str | None, session_id: str) -> bytes:
        """Raises CannotRecord: the key was destroyed, or does not open."""
        if wrapped is None:
            raise CannotRecord("the key of this recording was destroyed")
        try:
            return self._keys.unwrap(wrapped, session_id)
        except KeyProblem as problem:
            raise CannotRecord(str(problem)) from problem

    def journal_directory(self, session_id: str, room_id: str) -> Path:
        """Where a room's journal lies (server/sessions/recording.py puts it there)."""
        return self.data / "journals" / session_id / room_id

    def journal_directories(self, session_id: str, room_id: str) -> tuple[Path, ...]:
        """There, and on the second volume, which takes over when the first is full or fails."""
        return directories_of(self.journal_directory(session_id, room_id))

    def film_directory(self, session_id: str, room_id: str) -> Path:
        """Where the films of a room lie."""
        return self.data / "films" / session_id / room_id

    async def show(self, conn: Connection, session_id: str) -> dict[str, Any] | None:
        """What a session's page shows of its recording; None: never recorded."""
        row = await store.recording(conn, session_id)
        if row is None:
            return None
        made = row.state != "waiting"  # waiting with films: they are made anew, because a part of them must not be seen
        films = [
            _film_shown(session_id, film)
            for film in await store.films(conn, session_id)
            if film.kind != "pack" and made
        ]
        pack = await store.pack(conn, session_id) if made else None
        return {**_recording_shown(row), "films": films, "pack": _pack_shown(session_id, row, pack)}

    async def watch(self, conn: Connection, actor: Actor, session_id: str, film_id: str, now: datetime) -> Watched:
        """A film for somebody who may watch it; the view goes into the audit trail. Raises NotFound, NotAllowed."""
        await require_viewer(conn, actor, Action.WATCH_RECORDING, session_id, now)
        await require_made(conn, session_id)
        film = await store.film(conn, session_id, str(as_uuid(film_id)))
        if film is None or film.kind == "pack":
            raise NotFound()
        return await self._open(conn, actor, session_id, film, "watch_recording", now)

    async def take_pack(self, conn: Connection, actor: Actor, session_id: str, now: datetime) -> Watched:
        """The evidence pack. Raises NotFound (also: not made yet), NotAllowed."""
        await require_viewer(conn, actor, Action.DOWNLOAD_PACK, session_id, now)
        await require_made(conn, session_id)
        film = await store.pack(conn, session_id)
        if film is None:
            raise NotFound()
        return await self._open(conn, actor, session_id, film, "download_pack", now)

    async def _open(
        self, conn: Connection, actor: Actor, session_id: str, film: FilmRow, action: str, now: datetime
    ) -> Watched:
        _, wrapped = await store.recording_key(conn, session_id)
        if wrapped is None:
            raise NotFound()
        if not await store.watched_lately(conn, actor.id, action, film.id, now - ONE_VIEW):
            await audit.append(conn, actor, action, "film", film.id, now, {"session": session_id})
            await write_entry(
                conn, actor, session_id, film.kind if film.kind == "pack" else "film", now, {"film": film.id}
            )
        return Watched(film, self.data / film.path, self.unwrap(wrapped, session_id))


def _recording_shown(row: RecordingRow) -> dict[str, Any]:
    result = row.result
    return {
        "state": core.state_shown(row.state, row.job_state),
        "cause": row.cause,
        "progress": row.progress if row.job_state == "running" else None,
        "stage": row.stage if row.job_state == "running" else None,
        "duration_s": result.get("length_us", 0) / 1e6,
        "started_at": result.get("start_wall_us", 0) / 1e6 or None,
        "events": result.get("events", []),
        "hidden": result.get("hidden", []),
        "interruptions": result.get("interruptions", []),
        "problems": result.get("problems", []),
        "notes": result.get("notes", []),
    }


def _film_shown(session_id: str, film: FilmRow) -> dict[str, Any]:
    return {
        "id": film.id,
        "kind": film.kind,
        "seat": film.seat_id,
        "role": film.seat_role,
        "source": film.source,
        "part": film.part,
        "title": film.display_name or "",
        "url": f"/api/sessions/{session_id}/films/{film.id}",
        "type": film.content_type,
        "bytes": film.bytes,
        "duration_s": film.length_us / 1e6,
        "state": "ready",
        "progress": 1.0,
        "gaps": film.facts.get("gaps", []),
        "frames_lost": film.facts.get("frames_lost", 0),
    }


def _pack_shown(session_id: str, row: RecordingRow, pack: FilmRow | None) -> dict[str, Any]:
    if pack is None:
        return {"state": "failed" if row.state == "failed" else "waiting", "url": None, "bytes": None}
    return {"state": "ready", "url": f"/api/sessions/{session_id}/pack", "bytes": pack.bytes}
