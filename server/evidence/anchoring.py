"""Heads of live journals to the authority, at least every minute; what it did not answer waits and is asked again.

The stamps lie in the database, in data/anchors/<session>.jsonl, in the folder that others keep (setting `evidence.anchors_copy`) and in the
pack: whoever rewrites a journal would have to rewrite all of these, and can rewrite none, because the authority's key is not here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from media.record.segments import list_segments, parse_block, read_segment_header
from media.record.volumes import directories_of
from server.db.pool import CommitUnknown, DatabaseAway, connection, in_transaction
from server.errors import log_unexpected
from server.evidence import store
from server.evidence.signing import AuthorityAway, stamp
from server.mediaplane.hold import CannotRecord
from server.recordings.making import MakingFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.db import Connection, Pool
    from server.evidence.signing import Authority
    from server.evidence.store import Due, RoomWritten

log = logging.getLogger("laizuo.evidence")

LOOK_EVERY_S = 10.0
# Together with LOOK_EVERY_S and SETTLED this stays below the minute that is promised.
NOTICE_EVERY = timedelta(seconds=30)
# A block is fsynced within a second; a younger one could be written anew after a crash, and would then have another head.
SETTLED = timedelta(seconds=3)
OURS_FOR = timedelta(seconds=30)  # longer than the authority is waited for (signing.PATIENCE_S)
_RETRY_AT_MOST = timedelta(minutes=5)


class Heads:
    """Reads the last settled head of journals that grow; goes on where it stopped."""

    def __init__(self) -> None:
        self._at: dict[Path, int] = {}
        self._last: dict[Path, tuple[int, str]] = {}

    def settled(self, directory: Path, now: datetime) -> tuple[int, str] | None:
        """(block, head) of the last block older than SETTLED; None: there is none yet."""
        limit_us = (now - SETTLED).timestamp() * 1e6
        for path in list_segments(*directories_of(directory)):
            data = _new_bytes(path, self._at.get(path, 0))
            at, base = 0, self._at.get(path, 0)
            if base == 0:
                opened = read_segment_header(data)
                if opened is None:
                    continue
                at = opened[1]
            while (found := parse_block(data, at)) is not None and found.block.wall_us <= limit_us:
                self._last[directory] = (found.block.number, found.block.stated.hex)
                at = found.end
            self._at[path] = base + at
        return self._last.get(directory)


def _new_bytes(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read()


class Anchoring:
    """One loop: notice heads, stamp what waits, add late stamps to packs."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], datetime],
        authority: Authority,
        journal_directory: Callable[[str, str], Path],
        folders: tuple[Path, ...],
        add_late: Callable[[str], Awaitable[None]],
    ) -> None:
        self._pool, self._clock, self._authority = pool, clock, authority
        self._journal_directory, self._folders, self._add_late = journal_directory, folders, add_late
        self._heads = Heads()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except (DatabaseAway, CommitUnknown):
                pass
            except Exception as error:  # a task root: it must outlive one bad journal
                log_unexpected(error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def once(self) -> None:
        """One round. An authority that is away costs a round its stamps and nothing else."""
        async with connection(self._pool) as conn:
            rooms = await store.rooms_written(conn)
        for room in rooms:
            await self._notice(room)
        await self._stamp_due()
        async with connection(self._pool) as conn:
            sessions = await store.sessions_with_late(conn)
        for session in sessions:
            try:
                await self._add_late(session)
            except (OSError, ValueError, RuntimeError, MakingFailed, CannotRecord) as error:
                log_unexpected(error)

    async def _notice(self, room: RoomWritten) -> None:
        now = self._clock()
        if room.noticed_at is not None and now - room.noticed_at < NOTICE_EVERY:
            return
        try:
            found = await asyncio.to_thread(self._heads.settled, self._journal_directory(room.session, room.room), now)
        except OSError as error:
            log.warning("a journal's head could not be read: %s", error)
            return
        if found is None or found[0] == room.block:
            return
        block, head = found

        async def notice(conn: Connection) -> None:
            await store.notice_head(conn, room.session, room.room, block, head, now - NOTICE_EVERY, now)

        await in_transaction(self._pool, notice)

    async def _stamp_due(self) -> None:
        while due := await in_transaction(self._pool, self._take_due):
            try:
                token = await stamp(self._authority, bytes.fromhex(due.imprint))
            except AuthorityAway as away:
                log.warning("no time stamp now, attempt %d: %s", due.attempts + 1, away)
                await self._put_off(due, str(away))
                return
            await self._keep(due, token)

    async def _take_due(self, conn: Connection) -> Due | None:
        now = self._clock()
        return await store.take_due(conn, now + OURS_FOR, now)

    async def _put_off(self, due: Due, error: str) -> None:
        wait = min(_RETRY_AT_MOST, timedelta(seconds=5) * 2 ** min(due.attempts, 6))

        async def put_off(conn: Connection) -> None:
            await store.put_off(conn, due.id, error, self._clock() + wait)

        await in_transaction(self._pool, put_off)

    async def _keep(self, due: Due, token: bytes) -> None:
        async def keep(conn: Connection) -> bool:
            return await store.set_stamp(conn, due.id, token, self._authority.name, self._clock())

        if await in_transaction(self._pool, keep) and (kept := kept_line(due, token)):
            name, line = kept
            for folder in self._folders:
                try:
                    await asyncio.to_thread(append_line, folder / name, line)
                except OSError as error:
                    log.error("a time stamp could not be written to %s: %s", folder.name, error.strerror)


def anchor_line(session: str, room: str, block: int, head: str, token: bytes) -> bytes:
    """An anchor as `verify --anchors` reads it."""
    entry = {"session": session, "room": room, "block": block, "head": head, "token": base64.b64encode(token).decode()}
    return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def kept_line(due: Due, token: bytes) -> tuple[str, bytes] | None:
    """(file, line) of what is kept apart from the database; None: the stamp of a pack lies in the pack."""
    if due.room is None:
        text = base64.b64encode(token).decode()
        entry = {"session": due.session, "entry": due.block, "head": due.imprint, "token": text}
        return f"{due.session}.access.jsonl", json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    if due.kind != "head":
        return None
    return f"{due.session}.jsonl", anchor_line(due.session, due.room, due.block, due.imprint, token)


def append_line(path: Path, line: bytes) -> None:
    """On disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
