"""One writer a journal: an owner with a higher epoch takes it from one that lives on, and nothing that was called recorded is lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from media.record.fence import JournalBusy, is_written
from media.record.journal import Journal, JournalFailed, State
from media.record.reader import Damage, examine, load_segments
from media.record.segments import list_segments
from tests.support.eventually import wait_until
from tests.unit.media.record.test_journal import open_journal, read_all


def kinds(directory: Path) -> list[str]:
    events, _, said = read_all(directory)
    assert said == []
    return [event["kind"] for event in events]


def test_a_higher_epoch_takes_the_journal_from_a_writer_that_lives_on(tmp_path: Path) -> None:
    causes: list[str] = []
    old = open_journal(tmp_path, epoch=1, on_failure=causes.append)
    old.event("admitted", "a", {})
    old.seal_blocking()

    new = open_journal(tmp_path, epoch=2)
    new.event("removed", "a", {})
    new.seal_blocking()
    old.event("never", "a", {})
    with pytest.raises(JournalFailed, match="another owner has taken this journal"):
        old.seal_blocking()

    assert is_written(tmp_path)
    new.close_blocking("ended")
    assert kinds(tmp_path) == ["opened", "admitted", "continued", "removed", "closed"]
    assert (old.status.state, len(causes)) == (State.FAILED, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal-000000.lzj", "journal-000001.lzj", "lock"]


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_nobody_else_takes_it_from_a_living_writer(tmp_path: Path, epoch: int) -> None:
    owner = open_journal(tmp_path, epoch=2)

    with pytest.raises(JournalBusy):
        open_journal(tmp_path, epoch=epoch)

    owner.close_blocking("ended")
    assert kinds(tmp_path) == ["opened", "closed"]


def test_an_owner_of_before_does_not_come_back_when_the_journal_is_free(tmp_path: Path) -> None:
    open_journal(tmp_path, epoch=2).close_blocking("ended")

    with pytest.raises(JournalBusy, match="owned at epoch 2"):
        open_journal(tmp_path, epoch=1)

    open_journal(tmp_path, epoch=2).close_blocking("ended")
    open_journal(tmp_path, epoch=3).close_blocking("ended")
    assert kinds(tmp_path) == ["opened", "closed", "continued", "closed", "continued", "closed"]


def test_the_old_writer_cannot_begin_a_segment_of_the_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = open_journal(tmp_path, epoch=1)
    new = open_journal(tmp_path, epoch=2)
    monkeypatch.setattr("media.record.writer.SEGMENT_BYTES", 0)  # the next block begins a segment

    old.event("never", None, {})
    with pytest.raises(JournalFailed, match="FileExistsError"):
        old.seal_blocking()

    new.close_blocking("ended")
    assert "never" not in kinds(tmp_path)
    assert len(list_segments(tmp_path)) == 3


def test_what_the_old_writer_called_recorded_while_it_was_taken_away_is_there(tmp_path: Path) -> None:
    old = open_journal(tmp_path, epoch=1)
    sealed: list[int] = []

    def write() -> None:
        number = 0
        while True:
            number += 1
            old.event("page_shown", None, {"page": number})
            try:
                old.seal_blocking()
            except JournalFailed:
                return
            sealed.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: None if len(sealed) > 5 else f"{len(sealed)} sealed")

    new: Journal = open_journal(tmp_path, epoch=2)
    writer.join(30)

    assert not writer.is_alive()
    new.close_blocking("ended")
    events, _, _ = read_all(tmp_path)
    assert [seen for seen in examine(load_segments([tmp_path])) if isinstance(seen, Damage)] == []
    pages = [event["data"]["page"] for event in events if event["kind"] == "page_shown"]
    assert pages[: len(sealed)] == sealed
