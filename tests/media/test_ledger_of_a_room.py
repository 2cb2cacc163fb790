"""Loss on the way to a real worker: the recording asks longer than the live path, and what never came is declared."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from media.record.layout import RTP, split_records
from media.record.packs.check import JournalCheck, Report
from media.record.reader import BlockSeen, Opened, SessionKeys, examine, load_segments, open_chunk
from tests.media.conftest import Enter
from tests.media.test_control_journal import KEY, record_in
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, RunningWorker
from tests.support.rtc_client import RtcClient


class BadLine:
    """From an uplink: each ninth picture packet is lost once, and again until the live path has given it up; some never come."""

    def __init__(self, client: RtcClient) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, float] = {}
        self.late: set[int] = set()
        self.never: Counter[str] = Counter()
        client.drop_up = self.is_lost
        client.drop_again = self.is_lost_again

    def is_lost(self, kind: str, seq: int) -> bool:
        if kind == "audio":
            self.never["audio"] += seq % 20 == 0
            return seq % 20 == 0
        self.never["video"] += seq % 27 == 0
        return seq % 9 == 0

    def is_lost_again(self, seq: int) -> bool:
        first = self._asked.setdefault(seq, self._loop.time())
        if seq % 27 == 0 or self._loop.time() - first < 1.8:
            return True
        self.late.add(seq)
        return False


def recorded(directory: Path, stream: int) -> set[int]:
    """The sequence numbers of a stream in the journal."""
    numbers = set()
    for seen in examine(load_segments([directory])):
        assert isinstance(seen, BlockSeen), str(seen)
        for chunk in seen.block.chunks:
            opened = open_chunk(seen, chunk.index, SessionKeys(KEY))
            if chunk.stream == stream and isinstance(opened, Opened):
                found = [r.body for r in split_records(opened.plaintext or b"") if r.kind == RTP]
                numbers |= {int.from_bytes(body[2:4], "big") for body in found}
    return numbers


async def test_what_was_received_and_what_is_declared_missing_is_what_was_sent(
    worker: RunningWorker, controller: Controller, enter: Enter
) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    a, b = await enter("a", room="r2"), await enter("b", room="r2")
    await until_hears(b, "a")
    line = BadLine(a)

    await eventually(lambda: None if len(line.late) >= 10 else f"{len(line.late)} packets came late", 60)
    late = set(line.late)
    await controller.ask("pause", room="r2", epoch=1, seat="a", source="face", paused=True)
    sent = a._number
    await eventually(lambda: None if a._number > sent + 120 else "nothing was sent in the pause")
    await controller.ask("pause", room="r2", epoch=1, seat="a", source="face", paused=False)
    await until_hears(b, "a", len(b.heard_from("a")) // 2)
    await controller.ask("close_room", room="r2", epoch=1, reason="ended")

    check = JournalCheck(report := Report(), SessionKeys(KEY))
    check.run(load_segments([worker.data / "journals" / "r2"]))
    ends = {event["data"]["stream"]: event["data"] for event in check.events if event["kind"] == "stream_ended"}
    kinds = {event["data"]["stream"]: event for event in check.events if event["kind"] == "stream"}
    voice, face = (
        next(ends[n] for n, told in kinds.items() if told["seat"] == "a" and told["data"]["kind"] == kind)
        for kind in ("audio", "video")
    )
    assert list(check.ledger.findings()) == []
    assert report.damages == []
    # A packet lost behind the last one that came is known to nobody.
    assert line.never["audio"] - 1 <= voice["missing"] <= line.never["audio"]
    assert voice["withheld"] == 0
    assert face["withheld"] >= 100  # the last ones were lost, or still on the way
    assert line.never["video"] * 0.3 < face["missing"] < line.never["video"] + 40
    assert len(late) >= 10
    assert late <= recorded(worker.data / "journals" / "r2", face["stream"])


async def test_people_decide_to_be_recorded_while_they_talk_and_change_their_mind(
    worker: RunningWorker, controller: Controller, enter: Enter
) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")
    record = record_in(worker, "r1")

    begun = await controller.ask("record", room="r1", epoch=1, record=record)
    heard = len(b.heard_from("a"))
    await until_hears(b, "a", heard // 2 + 30)
    stopped = await controller.ask("record", room="r1", epoch=1, record=None, reason="consent_withdrawn")
    again = await controller.ask("record", room="r1", epoch=1, record=None, reason="twice")
    await until_hears(b, "a", len(b.heard_from("a")) // 2 + 10)
    await controller.ask("record", room="r1", epoch=1, record=record)
    await controller.ask("close_room", room="r1", epoch=1, reason="ended")

    assert (begun["record"]["state"], stopped["record"]["state"], again["record"]) == ("recording", "closed", None)
    check = JournalCheck(report := Report(), SessionKeys(KEY))
    check.run(load_segments([worker.data / "journals" / "r1"]))
    assert report.damages == []
    assert list(check.ledger.findings()) == []
    kinds = [event["kind"] for event in check.events]
    parts = [kind for kind in kinds if kind in ("opened", "continued", "closed")]
    assert parts == ["opened", "closed", "continued", "closed"]
    assert [event["data"]["reason"] for event in check.events if event["kind"] == "closed"] == [
        "consent_withdrawn",
        "ended",
    ]
    assert kinds.count("stream") == kinds.count("stream_ended") == 8
    assert sum(event["data"]["received"] for event in check.events if event["kind"] == "stream_ended") > 60
    assert a.counts["replayed"] == 0
