"""The volume of a live journal runs short, is full, or fails: the journal goes on on the second one, and nothing that was given is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media.record.journal import Journal, JournalFailed
from media.record.layout import RTP, split_records
from media.record.reader import BlockSeen, Damage, Note, SessionKeys, examine, load_segments, open_chunk, read_events
from media.record.segments import list_segments
from media.record.volumes import is_any_written, spare_of
from server.storage.space import free_bytes, measure, measure_all
from tests.support.eventually import wait_until
from tests.support.small_volume import SmallVolume, small_volume
from tests.support.synthetic_session import KEY

PACKET = bytes(60_000)
SMALL = 24 << 20


class Rig:
    """A journal on two small file systems, and what was given to it."""

    def __init__(self, first: SmallVolume, second: SmallVolume) -> None:
        self.volumes = first, second
        self.directories = first.place / "journals/s/r", second.place / "journals/s/r"
        self.told: list[str] = []
        self.given = 0
        self.open()

    def open(self) -> None:
        first, second = self.directories
        self.journal = Journal.open(
            first, session="s", room="r", key=KEY, facts={}, second=second, on_failure=self.told.append
        )
        self.stream = self.journal.stream("a", "face", "video", ssrc=1, codec="VP8", clock_rate=90_000, payload_type=96)

    def give(self, count: int = 1) -> None:
        """So many packets are recorded when it returns. Raises JournalFailed."""
        for _ in range(count):
            self.given += 1
            self.journal.packet(self.stream, self.given, self.given.to_bytes(8, "big") + PACKET)
        self.journal.seal_blocking()

    def read(self) -> tuple[list[int], list[dict[str, Any]]]:
        """(numbers of packets in the order written, `volume_changed` events). Fails on damage."""
        numbers: list[int] = []
        events: list[dict[str, Any]] = []
        keys = SessionKeys(KEY)
        for seen in examine(load_segments(self.directories)):
            assert not isinstance(seen, Damage), str(seen)
            for chunk in () if isinstance(seen, Note) else seen.block.chunks:
                assert isinstance(seen, BlockSeen)
                opened = open_chunk(seen, chunk.index, keys)
                assert not isinstance(opened, Damage)
                text = opened.plaintext or b""
                if opened.stream is None:
                    events += read_events(text)
                else:
                    numbers += [int.from_bytes(one.body[:8], "big") for one in split_records(text) if one.kind == RTP]
        return numbers, [event["data"] for event in events if event["kind"] == "volume_changed"]

    def notes(self) -> list[str]:
        return [seen.what for seen in examine(load_segments(self.directories)) if isinstance(seen, Note)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    if os.geteuid() != 0:
        pytest.skip("mounting loop devices needs root; tests/unit/media/record/test_volumes.py stands for it")
    with (
        small_volume(tmp_path / "one", tmp_path / "first", SMALL) as first,
        small_volume(tmp_path / "two", tmp_path / "second", SMALL) as second,
    ):
        yield Rig(first, second)


def test_before_the_volume_is_full_the_journal_goes_on_on_the_second(rig: Rig) -> None:
    while not list_segments(rig.directories[1]):
        rig.give(10)
        assert rig.given * len(PACKET) < 2 * SMALL, "it never went over"
    rig.give(10)
    rig.journal.close_blocking("ended")

    numbers, moves = rig.read()
    assert numbers == list(range(1, rig.given + 1))
    assert [(move["volume"], move["cause"]) for move in moves] == [(1, "nearly full")]
    assert rig.notes() == []  # nothing was torn: it left in time
    assert os.statvfs(rig.directories[0]).f_bavail > 0
    assert rig.told == []


def test_a_volume_that_others_have_filled_is_left_for_the_second(rig: Rig) -> None:
    rig.give(5)
    rig.volumes[1].leave(0)  # neither has its reserve: it stays where it is
    rig.volumes[0].leave(0)
    rig.volumes[1].empty()

    rig.give(5)
    rig.journal.close_blocking("ended")

    numbers, moves = rig.read()
    assert numbers == list(range(1, rig.given + 1))
    assert [move["volume"] for move in moves] == [1]
    assert rig.told == []


def test_a_volume_that_becomes_read_only_is_left_for_the_second(rig: Rig) -> None:
    rig.give(5)

    rig.volumes[0].make_read_only()
    rig.give(5)
    rig.journal.close_blocking("ended")
    wait_until(lambda: "its writer has not let go" if is_any_written(rig.directories) else None)
    rig.open()  # the next writer finds it over both, too
    rig.give(5)
    rig.journal.close_blocking("ended")

    numbers, moves = rig.read()
    assert numbers == list(range(1, rig.given + 1))
    assert moves[0]["volume"] == 1
    assert moves[0]["cause"] in ("Read-only file system", "Input/output error")
    assert rig.told == []


def test_both_volumes_full_is_told_aloud_and_goes_on_when_there_is_space(rig: Rig) -> None:
    rig.give(5)
    kept = rig.given
    for volume in rig.volumes:
        volume.leave(0)

    with pytest.raises(JournalFailed, match="No space left on device"):
        rig.give(400)

    assert len(rig.told) == 1
    wait_until(lambda: "its writer has not let go" if is_any_written(rig.directories) else None)
    rig.volumes[1].empty()
    rig.open()
    rig.give(1)
    rig.journal.close_blocking("ended")
    numbers, _ = rig.read()
    assert numbers[:kept] == list(range(1, kept + 1))
    assert numbers[-1] == rig.given
    assert list_segments(rig.directories[1])


def test_a_linked_volume_counts_as_space_and_is_gone_to(rig: Rig, tmp_path: Path) -> None:
    data, volume = tmp_path / "data", rig.volumes[1].place
    journal = data / "journals/s/r"
    journal.mkdir(parents=True)
    alone = measure_all(data).total

    (data / "second").symlink_to(volume)

    assert spare_of(journal) == data / "second/journals/s/r"
    assert measure_all(data).total == alone + measure(volume).total
    assert free_bytes(data) >= measure(volume).free
