"""A journal that goes on says what it goes on after: the writer that failed could not write it down any more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.journal import Journal, JournalFailed
from server.mediaplane.hold import RoomSpec
from server.sessions.recording import JournalPlan
from tests.support.synthetic_session import KEY, FakeClock

if TYPE_CHECKING:
    from typing import Any

    from server.db import Connection, Pool

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
SESSION, ROOM = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


async def facts_of(db: Pool, data: Path) -> dict[str, Any]:
    async def key(_conn: Connection, _session: str) -> bytes:
        return KEY

    async with db.acquire() as conn, conn.transaction():
        place = await JournalPlan(data, key).place(conn, RoomSpec(ROOM, SESSION, "notarization", recorded=True))
    return place.facts


async def happens(db: Pool, kind: str, data: str = "{}") -> None:
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")  # only the rows that this test is about
        statement = "insert into session_event (session_id, at, kind, data) values ($1, $2, $3, $4)"
        await conn.execute(statement, SESSION, NOW, kind, data)


async def test_the_cause_of_a_failure_goes_into_the_journal_that_follows(db: Pool, tmp_path: Path) -> None:
    assert await facts_of(db, tmp_path) == {"procedure": "notarization"}
    await happens(db, "recording_recording")
    await happens(db, "recording_failed", '{"cause": "recording_disk_full"}')
    await happens(db, "muted")
    assert await facts_of(db, tmp_path) == {"procedure": "notarization", "after": "recording_disk_full"}
    await happens(db, "recording_recording")
    assert await facts_of(db, tmp_path) == {"procedure": "notarization"}


def test_the_film_says_why_there_was_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = tmp_path / "journal"
    given: dict[str, Any] = {"session": "s1", "room": "r1", "key": KEY, "clocks": clock}
    first = Journal.open(journal, facts={}, epoch=1, **given)
    clock.at(2_000_000)
    first.event("joined", "a", {})
    first.seal_blocking()
    clock.at(5_000_000)
    # The next owner goes on, and the one before ended without a word: as after a failed write.
    second = Journal.open(journal, facts={"after": "recording_disk_full"}, epoch=2, **given)
    with pytest.raises(JournalFailed):
        first.close_blocking("never")
    clock.at(9_000_000)
    second.close_blocking("ended")

    made = make_films(Spec((journal,), KEY, tmp_path / "films", kinds=("person",), sealed=False), lambda *_: None)

    [gap] = made["interruptions"]
    assert gap == {"from_us": 2_000_000, "to_us": 5_000_000, "cause": "recording_disk_full"}
