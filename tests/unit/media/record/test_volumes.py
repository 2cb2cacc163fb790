"""The second volume takes over while people talk: nothing is lost, nothing stands twice, and what the first one left is declared."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from media.record.fence import JournalBusy
from media.record.journal import Journal, JournalFailed, State
from media.record.layout import RTP, split_records
from media.record.reader import BlockSeen, Damage, Note, SessionKeys, examine, load_segments, open_chunk, read_events
from media.record.segments import list_segments
from media.record.volumes import directories_of, is_any_written, spare_of
from tests.support.eventually import wait_until
from tests.support.synthetic_session import KEY
from tests.unit.media.record.test_journal import open_journal, voice


class Places:
    """Two directories; every fsync of a segment in those that are told to fails."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = folder / "first", folder / "second"
        self.failing: set[Path] = set()
        self._fsync = os.fsync

    @property
    def both(self) -> tuple[Path, Path]:
        return self.first, self.second

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.suffix == ".lzj" and path.parent in self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fsync(descriptor)

    def open(self, **changes: Any) -> Journal:
        return open_journal(self.first, **{"second": self.second, **changes})

    def read(self) -> tuple[list[dict[str, Any]], list[int], list[str], list[str]]:
        """(events, numbers of packets, damages, notes)."""
        events: list[dict[str, Any]] = []
        numbers: list[int] = []
        said: tuple[list[str], list[str]] = [], []
        for seen in examine(load_segments(self.both)):
            if isinstance(seen, BlockSeen):
                for chunk in seen.block.chunks:
                    opened = open_chunk(seen, chunk.index, SessionKeys(KEY))
                    assert not isinstance(opened, Damage)
                    assert opened.plaintext is not None
                    if opened.stream is None:
                        events += read_events(opened.plaintext)
                    else:
                        records = split_records(opened.plaintext)
                        numbers += [int.from_bytes(one.body[:8], "big") for one in records if one.kind == RTP]
            else:
                said[isinstance(seen, Note)].append(seen.what)
        return events, numbers, *said


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    made = Places(tmp_path)
    monkeypatch.setattr("media.record.writer.os.fsync", made.fsync)
    return made


def give(journal: Journal, stream: int, *numbers: int) -> None:
    for number in numbers:
        journal.packet(stream, number, number.to_bytes(8, "big") + bytes(100))
    journal.seal_blocking()


def test_a_failed_fsync_moves_the_journal_and_loses_nothing(places: Places) -> None:
    told: list[str] = []
    journal = places.open(on_failure=told.append)
    stream = voice(journal)
    give(journal, stream, 1, 2)

    places.failing.add(places.first)
    give(journal, stream, 3, 4)
    give(journal, stream, 5)
    journal.close_blocking("ended")

    events, numbers, damages, notes = places.read()
    assert (damages, numbers, told) == ([], [1, 2, 3, 4, 5], [])
    assert ["declared by the segment after it" in what for what in notes] == [True]
    assert [event["n"] for event in events] == list(range(len(events)))
    moved = next(event["data"] for event in events if event["kind"] == "volume_changed")
    assert (moved["volume"], moved["segment"], moved["cause"]) == (1, 1, "Input/output error")
    assert [path.parent for path in list_segments(*places.both)] == [places.first, places.second]


def test_another_writer_goes_on_where_the_moved_one_stopped(places: Places) -> None:
    journal = places.open()
    stream = voice(journal)
    give(journal, stream, 1)
    places.failing.add(places.first)
    give(journal, stream, 2)
    journal.close_blocking("room empty")
    places.failing.clear()

    again = places.open()
    give(again, voice(again), 3)
    assert is_any_written(places.both)
    again.close_blocking("ended")

    events, numbers, damages, _ = places.read()
    assert (damages, numbers) == ([], [1, 2, 3])
    assert "continued" in [event["kind"] for event in events]
    assert [path.name for path in list_segments(*places.both)] == [f"journal-{n:06}.lzj" for n in range(3)]
    assert not is_any_written(places.both)


def test_both_volumes_failing_is_as_loud_as_one(places: Places) -> None:
    told: list[str] = []
    journal = places.open(on_failure=told.append)
    stream = voice(journal)
    give(journal, stream, 1)

    places.failing |= set(places.both)
    with pytest.raises(JournalFailed, match="Input/output error"):
        give(journal, stream, 2)

    assert (journal.status.state, len(told)) == (State.FAILED, 1)
    wait_until(lambda: "its writer has not let go" if is_any_written(places.both) else None)
    places.failing.clear()
    places.open().close_blocking("ended")  # what is there is declared, and the chain goes on
    _, numbers, damages, _ = places.read()
    assert damages == []
    assert numbers[:1] == [1]


def test_a_recording_begins_on_the_second_volume_when_the_first_cannot_be_written(places: Places) -> None:
    places.first.write_text("no directory")

    journal = places.open()
    give(journal, voice(journal), 1)
    journal.close_blocking("ended")

    assert [path.parent for path in list_segments(places.second)] == [places.second]


def test_a_begin_that_fails_in_the_middle_is_made_on_the_second_volume(places: Places) -> None:
    places.failing.add(places.first)

    journal = places.open()
    give(journal, voice(journal), 1)
    journal.close_blocking("ended")

    _, numbers, damages, _ = places.read()
    assert (damages, numbers) == ([], [1])


def test_a_moved_journal_has_one_writer_too(places: Places) -> None:
    old = places.open(epoch=1)
    stream = voice(old)
    give(old, stream, 1)
    places.failing.add(places.first)
    give(old, stream, 2)
    places.failing.clear()

    with pytest.raises(JournalBusy):
        places.open(epoch=1)
    new = places.open(epoch=2)
    give(new, voice(new), 3)
    with pytest.raises(JournalFailed, match="another owner has taken this journal"):
        give(old, stream, 4)
    new.close_blocking("ended")

    _, numbers, damages, _ = places.read()
    assert (damages, numbers) == ([], [1, 2, 3])


def test_an_old_owner_does_not_flee_to_the_second_volume(places: Places) -> None:
    old = places.open(epoch=1)
    stream = voice(old)
    give(old, stream, 1)
    new = places.open(epoch=2)
    places.failing.add(places.first)

    with pytest.raises(JournalFailed, match="another owner has taken this journal"):
        give(old, stream, 2)

    places.failing.clear()
    new.close_blocking("ended")
    _, numbers, damages, _ = places.read()
    assert (damages, numbers) == ([], [1])


def test_what_lies_behind_the_declared_end_is_still_watched(places: Places) -> None:
    journal = places.open()
    stream = voice(journal)
    give(journal, stream, 1)
    places.failing.add(places.first)
    give(journal, stream, 2)
    journal.close_blocking("ended")

    left = list_segments(places.first)[0]
    data = bytearray(left.read_bytes())
    data[-1] ^= 1
    left.write_bytes(data)

    assert len(places.read()[2]) == 1


def test_a_second_place_is_read_whatever_it_is_and_written_only_on_a_device_of_its_own(tmp_path: Path) -> None:
    journal = tmp_path / "journals" / "s" / "journals"
    assert directories_of(journal) == (journal,)
    assert spare_of(journal) is None

    (tmp_path / "second").mkdir()  # a place where nothing is mounted

    assert directories_of(tmp_path / "journals" / "s" / "r") == (
        tmp_path / "journals" / "s" / "r",
        tmp_path / "second" / "journals" / "s" / "r",
    )
    assert spare_of(tmp_path / "journals" / "s" / "r") is None
    assert directories_of(tmp_path / "elsewhere") == (tmp_path / "elsewhere",)
