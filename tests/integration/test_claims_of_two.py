"""Two web processes on one database: each long work is done by one of them, once, and after a kill by the other."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from server.db import claims
from server.db.claims import LEASE, RENEW_S, Claim, ClaimLost, claim, give_back, hold, renew
from server.db.pool import in_transaction, open_pool
from server.evidence import store as evidence
from server.evidence.anchoring import OURS_FOR
from server.storage import store as storage
from server.storage.s3 import Kept
from tests.integration.test_anchoring import ENDED, OutsideAuthority, anchoring_of, outside, room
from tests.support.database import passable_directory
from tests.support.database_line import DatabaseLine
from tests.support.eventually import PATIENCE_S, eventually
from tests.support.packed_session import record_journal

if TYPE_CHECKING:
    from server.db import Connection, Pool

__all__ = ("outside", "room")  # fixtures
SUBJECT = "00000000-0000-4000-8000-0000000000aa"
SECOND = dt.timedelta(seconds=1)


async def claimed(db: Pool, now: dt.datetime) -> Claim | None:
    return await in_transaction(db, lambda conn: claim(conn, "trial", SUBJECT, now))


async def one_of(db: Pool, many: int, now: dt.datetime) -> Claim:
    """The claim of the one that gets it."""
    [ours] = [one for one in await asyncio.gather(*(claimed(db, now) for _ in range(many))) if one]
    return ours


async def until(db: Pool) -> dt.datetime:
    at: dt.datetime = await db.fetchval("select until from work_claim")
    return at


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("work")


async def test_one_of_many_has_the_work_until_it_is_done_or_its_time_is_over(db: Pool) -> None:
    killed = await one_of(db, 8, ENDED)
    assert not await claimed(db, ENDED + LEASE - SECOND)
    # When the time of whoever was killed is over, one of the others has it
    ours = await one_of(db, 8, ENDED + LEASE)
    assert not await in_transaction(db, lambda conn: renew(conn, killed, ENDED + LEASE))
    assert not await in_transaction(db, lambda conn: give_back(conn, killed)), (
        "it only stood still, and takes nothing away"
    )
    assert not await claimed(db, ENDED + LEASE)
    assert await in_transaction(db, lambda conn: give_back(conn, ours))
    assert await claimed(db, ENDED + LEASE)


async def test_whoever_renews_has_the_work_for_longer(db: Pool) -> None:
    ours = await one_of(db, 1, ENDED)
    for step in range(1, 10):
        at = ENDED + step * dt.timedelta(seconds=RENEW_S)
        assert await in_transaction(db, lambda conn, at=at: renew(conn, ours, at))
        assert not await claimed(db, at + LEASE - SECOND)
    assert await claimed(db, at + LEASE)


async def test_the_claim_is_renewed_as_long_as_the_work_goes_on(db: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    now = [ENDED]

    async def work() -> str:
        for _ in range(3):
            now[0] += LEASE
            await eventually(renewed)
        return "done"

    async def renewed() -> str | None:
        return None if await until(db) == now[0] + LEASE else "the claim is not renewed"

    assert await hold(db, lambda: now[0], await one_of(db, 1, ENDED), work()) == "done"


async def test_work_that_another_has_taken_over_is_ended(db: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a process that stood still for longer than its lease."""
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    stood_still, ended = await one_of(db, 1, ENDED - 2 * LEASE), list[str]()
    ours = await one_of(db, 1, ENDED)

    with pytest.raises(ClaimLost):
        async with asyncio.timeout(PATIENCE_S):
            await hold(db, lambda: ENDED, stood_still, forever(ended))

    assert ended == ["work"]
    assert await until(db) == ENDED + LEASE
    assert await in_transaction(db, lambda conn: give_back(conn, ours))


async def test_work_ends_before_its_lease_when_the_database_is_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may see the database again before we do."""
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    monkeypatch.setattr(claims, "LEASE", dt.timedelta(seconds=0.2))
    line = await DatabaseLine.to(database_url, passable_directory())
    pool, ended = await open_pool(line.url), list[str]()
    ours = await one_of(pool, 1, ENDED)
    await line.cut()

    with pytest.raises(ClaimLost):
        async with asyncio.timeout(PATIENCE_S):
            await hold(pool, lambda: ENDED, ours, forever(ended))

    assert ended == ["work"]
    pool.terminate()


async def test_what_the_work_raises_is_raised(db: Pool) -> None:
    async def fail() -> None:
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        await hold(db, lambda: ENDED, await one_of(db, 1, ENDED), fail())


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

    async def taken(now: dt.datetime) -> storage.DueCheck | None:
        return await in_transaction(db, lambda conn: storage.take_check(conn, now, now, now))

    async def checked(due: storage.DueCheck, damage: list[str]) -> bool:
        return await in_transaction(db, lambda conn: storage.checked(conn, due, 1, damage, later))

    [killed] = [due for due in await asyncio.gather(taken(later), taken(later)) if due]
    assert killed.session == session
    assert await taken(later + LEASE - SECOND) is None
    due = await taken(later + LEASE)
    assert due is not None, "whoever looked was killed"
    assert not await checked(killed, ["what it saw while it was not its turn"])
    assert await db.fetchval("select count(*) from recording_check") == 0
    assert await checked(due, [])
    assert await taken(later) is None, "it was looked at"
    assert await db.fetchval("select count(*) from work_claim") == 0


async def test_two_copy_packs_and_each_is_copied_by_one(db: Pool, room: tuple[str, str]) -> None:
    for number in range(2):
        await db.execute(
            "insert into film (session_id, room_id, kind, part, path, content_type, bytes, length_us, made_at) "
            "values ($1, $2, 'pack', $3, $4, 'application/zip', 1, 0, $5)",
            *room,
            number,
            f"{number}.sealed",
            ENDED,
        )
    kept = Kept("0" * 64, ENDED + dt.timedelta(days=1))

    async def taken(now: dt.datetime) -> storage.DueCopy | None:
        return await in_transaction(db, lambda conn: storage.take_copy(conn, now))

    async def copied(due: storage.DueCopy, version: str) -> bool:
        return await in_transaction(db, lambda conn: storage.copied(conn, due, "s/f", version, kept, ENDED + LEASE))

    first = [due for due in await asyncio.gather(*(taken(ENDED) for _ in range(6))) if due]
    assert sorted(due.path for due in first) == ["0.sealed", "1.sealed"]
    assert await taken(ENDED + LEASE - SECOND) is None
    again = {due.film: due for due in await asyncio.gather(*(taken(ENDED + LEASE) for _ in range(6))) if due}
    assert [again[due.film].attempts for due in first] == [2, 2], "whoever copied was killed"
    assert not await copied(first[0], "of one that only stood still")
    await in_transaction(db, lambda conn: storage.not_copied(conn, first[0], "it stood still", ENDED))
    assert await db.fetchval("select count(*) from pack_copy where state = 'stored' or error is not null") == 0
    assert [await copied(due, "new") for due in again.values()] == [True, True]
    assert await taken(ENDED + 2 * LEASE) is None, "all are copied"
    assert await db.fetchval("select count(*) from work_claim") == 0
