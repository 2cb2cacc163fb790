"""Consent receipts: signed, kept, never changed; a mediation is recorded exactly while both sides agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from server.recordings import store
from server.recordings.consent import Answer, ReceiptKey, is_genuine, write_answer
from tests.support.core_stage import CoreStage
from tests.support.hall import utc_now
from tests.support.running_session import run_session
from tests.support.transcripts import all_transcripts

if TYPE_CHECKING:
    from server.db import Pool


async def answered(db: Pool, folder: Path, *, given: bool = True) -> tuple[str, dict[str, Any]]:
    """(session, receipt) of an applicant's answer."""
    session = await run_session(db, "mediation")
    answer = Answer(session.session_id, session.room_id, session.seats["b"], "王秀兰", "applicant", "recording", given)
    async with db.acquire() as conn, conn.transaction():
        receipt = await write_answer(conn, ReceiptKey(folder / "receipts.key"), answer, utc_now())
    return session.session_id, receipt


async def test_a_receipt_says_who_agreed_to_what_and_its_signature_holds(db: Pool, tmp_path: Path) -> None:
    session, receipt = await answered(db, tmp_path)

    said = json.loads(receipt["statement"])
    assert (said["session"], said["name"], said["purpose"], said["given"]) == (session, "王秀兰", "recording", True)
    assert is_genuine(receipt)
    async with db.acquire() as conn:
        kept = await store.consents(conn, session)
    assert list(kept.values()) == [receipt]


@pytest.mark.parametrize(
    ("field", "old", "new"), [("statement", "true", "false"), ("signature", "", "00"), ("key", "", "00")]
)
async def test_a_changed_receipt_is_not_genuine(db: Pool, tmp_path: Path, field: str, old: str, new: str) -> None:
    _, receipt = await answered(db, tmp_path)
    changed = receipt[field].replace(old, new, 1) if old else new + receipt[field][2:]

    assert not is_genuine({**receipt, field: changed}) or changed == receipt[field]


async def test_the_key_stays_the_same_and_only_we_read_it(db: Pool, tmp_path: Path) -> None:
    _, first = await answered(db, tmp_path)

    other = ReceiptKey(tmp_path / "receipts.key").load().public_key().public_bytes_raw().hex()

    assert other == first["key"]
    assert (tmp_path / "receipts.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("statement", ["update consent set given = false", "delete from consent"])
async def test_an_answer_is_never_changed(db: Pool, tmp_path: Path, statement: str) -> None:
    await answered(db, tmp_path)

    with pytest.raises(asyncpg.RaiseError, match="a new answer is a new row"):
        await db.execute(statement)


def test_the_journal_begins_with_what_everybody_signed() -> None:
    stage = CoreStage(next(transcript for transcript in all_transcripts() if transcript.name == "consent"))

    stage.play()

    kinds = [(entry.kind, entry.seat) for entry in stage.log if entry.kind.startswith(("consent", "recording"))]
    begun = kinds.index(("recording_recording", None))
    assert kinds[begun + 1 : begun + 3] == [("consent", "b1"), ("consent", "c1")]
    assert kinds[-2:] == [("consent", "b1"), ("recording_stopped", None)]
