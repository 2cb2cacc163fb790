"""The job `make_films`: taken by one web process at a time, held by a lease, tried again, told about."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from server import audit
from server.access.core import Actor
from server.db.pool import CommitUnknown, DatabaseAway, connection, in_transaction
from server.evidence import service as evidence
from server.evidence import store as anchors
from server.keys import CLOCK, POOL, TEMPLATES
from server.live import NOTICES
from server.recordings import core, making, store
from server.recordings.service import NOT_RECORDED
from server.tasks import end
from server.viewings.hidden import zones

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from server.db import Connection
    from server.recordings.making import Made
    from server.recordings.service import Recordings
    from server.recordings.store import Job

log = logging.getLogger("laizuo.recordings")

KIND = "make_films"
LEASE = timedelta(seconds=30)
RENEW_S = 5.0
# A notice wakes us at once; this is for notices lost in a restart, and for leases that ran out.
LOOK_AGAIN_S = 15.0
# The worker closes a journal within a second of the session's end.
JOURNAL_OPEN = timedelta(seconds=1)
SYSTEM = Actor("system")


class FilmJobs:
    """One loop: take a job, make it, look again."""

    def __init__(self, app: web.Application, recordings: Recordings) -> None:
        self._pool = app[POOL]
        self._clock = app[CLOCK]
        self._notices = app[NOTICES]
        self._recordings = recordings
        self._catalogs = app[TEMPLATES].catalogs
        self._holder = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._stage, self._progress = "", 0.0

    async def run(self) -> None:
        """Until cancelled."""
        with self._notices.listen(lambda notice: notice.get("kind") == "job") as due:
            while True:
                try:
                    worked = await self._once()
                    wait_s = 0.0 if worked else await self._seconds_to_next()
                except (DatabaseAway, CommitUnknown):
                    wait_s = 1.0
                except Exception:
                    log.exception("making films failed")  # a task root: the job's lease runs out, and it is begun again
                    wait_s = LOOK_AGAIN_S
                if wait_s:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(due.wait(), wait_s)
                    due.clear()

    async def _seconds_to_next(self) -> float:
        async with connection(self._pool) as conn:
            at = await store.next_job_at(conn, KIND)
        if at is None:
            return LOOK_AGAIN_S
        return min(LOOK_AGAIN_S, max(0.05, (at - self._clock()).total_seconds()))

    async def _once(self) -> bool:
        now = self._clock()
        job = await in_transaction(self._pool, lambda conn: store.take_job(conn, KIND, self._holder, now + LEASE, now))
        if job is None:
            return False
        self._stage, self._progress = "", 0.0
        keeper = asyncio.create_task(self._keep(job), name=f"lease of job {job.id}")
        try:
            await self._make(job)
        finally:
            await end(keeper)
        return True

    async def _keep(self, job: Job) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(DatabaseAway, CommitUnknown):
                await in_transaction(self._pool, self._renew(job))

    def _renew(self, job: Job) -> Callable[[Connection], Awaitable[None]]:
        async def renew(conn: Connection) -> None:
            await store.keep_job(conn, job, self._clock() + LEASE, self._stage, self._progress)
            await _tell(conn, job)

        return renew

    def _note(self, stage: str, progress: float) -> None:
        self._stage, self._progress = stage, min(1.0, progress)

    async def _make(self, job: Job) -> None:
        session_id = job.subject
        async with connection(self._pool) as conn:
            facts = await store.session_facts(conn, session_id)
            rooms = await store.recorded_rooms(conn, session_id)
            people = await store.people(conn, session_id)
            _, wrapped = await store.recording_key(conn, session_id)
            sealing = {**await self._sealing(conn, session_id, people), "zones": await zones(conn, session_id)}
        if facts is None or wrapped is None:
            await self._give_up(job, NOT_RECORDED)
            return
        try:
            key = self._recordings.unwrap(wrapped, session_id)
            made = await making.make(self._recordings, facts, rooms, people, key, self._note, self._clock(), sealing)
        except making.StillWritten:
            await in_transaction(self._pool, lambda conn: store.put_off_job(conn, job, self._clock() + JOURNAL_OPEN))
        except making.MakingFailed as error:
            log.error("job %d for session %s failed, attempt %d: %s", job.id, session_id, job.attempts, error)
            await self._failed(job, str(error))
        except Exception as error:
            log.exception("job %d for session %s failed, attempt %d", job.id, session_id, job.attempts)
            await self._failed(job, f"{type(error).__name__}: {error}")
        else:
            await self._finish(job, made)

    async def _sealing(self, conn: Connection, session_id: str, people: dict[str, dict[str, str]]) -> dict[str, Any]:
        return await evidence.sealing_spec(
            conn, self._recordings.authority, self._catalogs, session_id, people, self._clock()
        )

    async def _finish(self, job: Job, made: Made | None) -> None:
        if made is None:
            await self._give_up(job, NOT_RECORDED)
            return
        now = self._clock()

        async def finish(conn: Connection) -> None:
            if not await store.finish_job(conn, job, now):
                return
            for film in made.films:
                await store.save_film(conn, job.subject, film, now)
            await store.finish_recording(conn, job.subject, None, made.result, now)
            await anchors.mark_packed(conn, job.subject, now)
            for one in made.unstamped:
                await anchors.notice(conn, job.subject, one["room"], one["kind"], one["block"], one["imprint"], now)
            await audit.append(conn, SYSTEM, "make_films", "session", job.subject, now, {"films": len(made.films)})
            await _tell(conn, job)

        await in_transaction(self._pool, finish)

    async def _failed(self, job: Job, error: str) -> None:
        wait = core.retry_after(job.attempts)
        if wait is None:
            await self._give_up(job, error)
            return
        await in_transaction(self._pool, lambda conn: store.retry_job(conn, job, self._clock() + wait, error))

    async def _give_up(self, job: Job, cause: str) -> None:
        now = self._clock()

        async def give_up(conn: Connection) -> None:
            if await store.fail_job(conn, job, now, cause):
                await store.finish_recording(conn, job.subject, cause, {}, now)
                await audit.append(
                    conn, SYSTEM, "make_films_failed", "session", job.subject, now, {"attempts": job.attempts}
                )
                await _tell(conn, job)

        await in_transaction(self._pool, give_up)


async def _tell(conn: Connection, job: Job) -> None:
    await conn.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "session", "session": job.subject}))
