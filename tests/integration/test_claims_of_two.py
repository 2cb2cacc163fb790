"""Two web processes on one database: each long work is done by one of them, once, and after a kill by the other."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from server.db.claims import claim, give_back
from server.db.pool import in_transaction
from server.evidence import store as evidence
from server.evidence.anchoring import OURS_FOR
from server.storage import scrubbing
from server.storage import store as storage
from tests.integration.test_anchoring import ENDED, OutsideAuthority, anchoring_of, outside, room
from tests.support.packed_session import record_journal

if TYPE_CHECKING:
    from server.db import Connection, Pool

__all__ = ("outside", "room")  # fixtures
SUBJECT = "00000000-0000-4000-8000-0000000000aa"
MINUTE = dt.timedelta(minutes=1)


async def claimed(db: Pool, now: dt.datetime) -> bool:
    return await in_transaction(db, lambda conn: claim(conn, "trial", SUBJECT, now + MINUTE, now))


async def test_one_of_many_has_the_work_until_it_is_done_or_its_time_is_over(db: Pool) -> None:
    assert sorted(await asyncio.gather(*(claimed(db, ENDED) for _ in range(8)))) == [False] * 7 + [True]
    assert not await claimed(db, ENDED + MINUTE / 2)
    # Whoever had it was killed: when its time is over, one of the others has it
    assert sorted(await asyncio.gather(*(claimed(db, ENDED + MINUTE) for _ in range(8)))) == [False] * 7 + [True]
    await in_transaction(db, lambda conn: give_back(conn, "trial", SUBJECT))
    assert await claimed(db, ENDED + MINUTE)


async def test_two_anchor_a_journal_and_each_head_is_stamped_once(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    # The second reads the disk half a second later and finds another block settled
    two = [
        anchoring_of(db, outside, journal, tmp_path, lambda: ENDED),
        anchoring_of(db, outside, journal, tmp_path, lambda: ENDED + dt.timedelta(seconds=1)),
    ]

    await asyncio.gather(*(anchoring.once() for anchoring in two))
    await asyncio.gather(*(anchoring.once() for anchoring in two))

    assert await db.fetchval("select count(*) from anchor") == 1
    assert await db.fetchval("select count(*) from anchor where token is not null") == 1
    assert outside.asked == 1
    assert len((tmp_path / "kept" / f"{room[0]}.jsonl").read_text().splitlines()) == 1


async def test_what_waits_for_a_stamp_is_asked_for_by_one_and_after_a_kill_by_another(
    db: Pool, room: tuple[str, str]
) -> None:
    session, where = room

    async def wait_for_stamps(conn: Connection) -> None:
        for block in range(6):
            await evidence.notice(conn, session, where, "head", block, f"{block:064x}", ENDED)

    async def taken(now: dt.datetime) -> int | None:
        due = await in_transaction(db, lambda conn: evidence.take_due(conn, now + OURS_FOR, now))
        return due.block if due else None

    await in_transaction(db, wait_for_stamps)
    first = await asyncio.gather(*(taken(ENDED) for _ in range(6)))
    rest = [await taken(ENDED) for _ in range(7)]

    found = [block for block in (*first, *rest) if block is not None]
    assert sorted(found) == [*range(6)]
    assert rest[-1] is None
    assert await taken(ENDED + OURS_FOR) is not None


async def test_two_look_at_recordings_and_each_is_read_by_one(db: Pool, room: tuple[str, str]) -> None:
    session = room[0]
    await db.execute("update recording set state = 'failed', cause = 'none', made_at = $1", ENDED)
    later = ENDED + dt.timedelta(days=2)

    async def taken(now: dt.datetime) -> str | None:
        due = await in_transaction(db, lambda conn: storage.take_check(conn, now, now, now + scrubbing.OURS_FOR, now))
        return due.session if due else None

    both = await asyncio.gather(taken(later), taken(later))
    assert set(both) == {session, None}
    assert await taken(later) is None
    assert await taken(later + scrubbing.OURS_FOR) == session, "whoever looked was killed"
    await in_transaction(db, lambda conn: storage.checked(conn, session, 1, [], later))
    assert await taken(later) is None, "it was looked at"
    assert await db.fetchval("select count(*) from work_claim") == 0
