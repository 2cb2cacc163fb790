"""The journal as its caller sees it: what was given is on disk, in order; a disk that fails is told, never hidden."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from media.record.fence import JournalBusy
from media.record.journal import MAX_PENDING_BYTES, Journal, JournalFailed, State
from media.record.layout import MISSING_PACKETS, RTP, SENDER_REPORT, split_records
from media.record.reader import BlockSeen, Damage, Note, SessionKeys, examine, load_segments, open_chunk, read_events
from media.record.segments import JournalDamaged, list_segments
from tests.support.eventually import wait_until
from tests.support.synthetic_session import KEY, FakeClock


def open_journal(directory: Path, **changes: Any) -> Journal:
    given: dict[str, Any] = {"session": "s1", "room": "r1", "key": KEY, "facts": {"procedure": "notarization"}}
    return Journal.open(directory, **{**given, **changes})


def voice(journal: Journal, seat: str = "a") -> int:
    return journal.stream(seat, "voice", "audio", ssrc=7, codec="opus", clock_rate=48_000, payload_type=111)


def read_all(directory: Path) -> tuple[list[dict[str, Any]], list[tuple[int, bytes]], list[str]]:
    """(events, (record type, body) of all streams, damages and notes)."""
    events: list[dict[str, Any]] = []
    records: list[tuple[int, bytes]] = []
    said: list[str] = []
    for seen in examine(load_segments([directory])):
        if not isinstance(seen, BlockSeen):
            said.append(seen.what)
            continue
        for chunk in seen.block.chunks:
            opened = open_chunk(seen, chunk.index, SessionKeys(KEY))
            assert not isinstance(opened, Damage)
            assert opened.plaintext is not None
            if opened.stream is None:
                events += read_events(opened.plaintext)
            else:
                records += [(record.kind, bytes(record.body)) for record in split_records(opened.plaintext)]
    return events, records, said


async def test_what_was_given_before_seal_is_on_disk_in_order(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    stream = voice(journal)
    packets = [bytes([0x80, 111, 0, number]) + bytes(20) for number in range(50)]
    for number, packet in enumerate(packets):
        journal.packet(stream, 1000 + number, packet)
    journal.report(stream, 2000, 5, 6, 7, 8)
    journal.missing(stream, 3000, 50, 2)

    head = await journal.seal()

    events, records, said = read_all(tmp_path)
    assert [event["kind"] for event in events] == ["opened", "stream"]
    assert [body for kind, body in records if kind == RTP] == packets
    assert [kind for kind, _ in records[50:]] == [SENDER_REPORT, MISSING_PACKETS]
    assert said == []
    assert head.block >= 1
    await journal.close("ended")


async def test_a_journal_is_continued_with_its_chain_unbroken(tmp_path: Path) -> None:
    first = open_journal(tmp_path)
    stream = voice(first)
    head = await first.close("worker stops")

    second = open_journal(tmp_path)
    later = voice(second)
    await second.close("ended")

    events, _, said = read_all(tmp_path)
    assert said == []
    assert [event["kind"] for event in events] == ["opened", "stream", "closed", "continued", "stream", "closed"]
    assert [event["n"] for event in events] == list(range(6))
    assert (stream, later) == (0, 1)
    assert len(list_segments(tmp_path)) == 2
    assert second.status.head.block > head.block


async def test_a_torn_end_stays_where_it_is_and_is_declared(tmp_path: Path) -> None:
    first = open_journal(tmp_path)
    await first.close("killed")
    path = list_segments(tmp_path)[0]
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"LZB1\x00\x00\x10\x00 half a block")

    second = open_journal(tmp_path)
    await second.close("ended")

    events, _, said = read_all(tmp_path)
    assert said == ["21 bytes of an unfinished block at the end, declared by the segment after it"]
    assert path.stat().st_size == whole + 21
    torn = next(event for event in events if event["kind"] == "continued")["data"]["torn"]
    assert [(tear["segment"], tear["valid_bytes"], tear["torn_bytes"]) for tear in torn] == [(0, whole, 21)]


async def test_a_segment_without_a_whole_header_is_declared_too(tmp_path: Path) -> None:
    await open_journal(tmp_path).close("ended")
    (tmp_path / "journal-000001.lzj").write_bytes(b"LZJ1\x00\x00")

    await open_journal(tmp_path).close("ended")

    assert read_all(tmp_path)[2] == [
        "not even its header was written when the writer stopped; declared by a later segment"
    ]


async def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)

    with pytest.raises(JournalBusy):
        open_journal(tmp_path)

    await journal.close("ended")
    await open_journal(tmp_path).close("ended")


@pytest.mark.parametrize(
    ("change", "named"), [({"session": "s2"}, "session"), ({"room": "r2"}, "room"), ({"key": bytes(32)}, "key")]
)
async def test_a_journal_of_somebody_else_is_refused(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    await open_journal(tmp_path).close("ended")

    with pytest.raises(JournalDamaged, match=f"the journal here is of {named} "):
        open_journal(tmp_path, **change)

    await open_journal(tmp_path).close("ended")


async def test_a_private_event_has_a_chunk_of_its_own(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.event("identity_checked", "a", {"number": "110101"}, private=True)
    journal.event("admitted", "a", {})
    await journal.close("ended")

    blocks = [seen for seen in examine(load_segments([tmp_path])) if isinstance(seen, BlockSeen)]
    private = [(chunk.private, chunk.records) for seen in blocks for chunk in seen.block.chunks if chunk.private]

    assert private == [(True, 1)]


async def test_a_jump_of_the_wall_clock_is_an_event(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = open_journal(tmp_path, clocks=clock)
    await journal.seal()
    clock.start_wall_us += 3_600_000_000
    await journal.seal()
    await journal.close("ended")

    jumped = [event["data"] for event in read_all(tmp_path)[0] if event["kind"] == "clock_jumped"]

    assert jumped == [{"by_us": 3_600_000_000}]


async def test_closing_twice_and_sealing_a_closed_journal_give_the_same_head(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)

    heads = {await journal.close("ended"), await journal.close("ended"), await journal.seal()}

    assert len(heads) == 1
    assert journal.status.state is State.CLOSED


async def test_a_failed_fsync_is_final_and_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    journal = open_journal(tmp_path, on_failure=told.append)
    stream = voice(journal)
    await journal.seal()
    good = journal.status.head
    real = os.fsync

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("media.record.writer.os.fsync", fail)
    journal.packet(stream, 1, bytes(20))
    with pytest.raises(JournalFailed, match="Input/output error"):
        await journal.seal()
    monkeypatch.setattr("media.record.writer.os.fsync", real)

    with pytest.raises(JournalFailed, match="Input/output error"):
        await journal.seal()
    with pytest.raises(JournalFailed):
        await journal.close("ended")
    assert (journal.status.state, journal.status.head) == (State.FAILED, good)
    await asyncio.to_thread(wait_until, lambda: None if told else "nobody was told")
    assert len(told) == 1


async def test_a_disk_that_hangs_ends_the_journal_before_memory_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    journal = open_journal(tmp_path, on_failure=told.append)
    stream = voice(journal)
    await journal.seal()
    gate = threading.Event()
    monkeypatch.setattr("media.record.writer.os.fsync", lambda _: gate.wait())
    packet = bytes(60_000)

    for number in range(3 * MAX_PENDING_BYTES // len(packet)):
        journal.packet(stream, number, packet)
    gate.set()

    assert told == ["the disk cannot follow: 64 MiB wait to be written"]
    assert journal.status.state is State.FAILED
    with pytest.raises(JournalFailed, match="cannot follow"):
        await journal.seal()


def test_a_reader_tells_an_end_that_nobody_continued(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close_blocking("killed")
    with list_segments(tmp_path)[0].open("ab") as file:
        file.write(b"LZB1\x00\x00\x10\x00 half")

    seen = [item for item in examine(load_segments([tmp_path])) if isinstance(item, (Damage, Note))]

    assert [type(item) for item in seen] == [Note]
