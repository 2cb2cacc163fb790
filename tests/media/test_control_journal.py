"""The journal behind a real worker's room: what it keeps, how it ends, and what is said when it cannot be written."""

from __future__ import annotations

import base64
import resource
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from media.record import layout
from media.record.reader import BlockSeen, Opened, SessionKeys, examine, load_segments, open_chunk, read_events
from tests.media.conftest import QUICK, Enter
from tests.media.test_control import refused
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, RunningWorker, running_worker
from tests.support.offers import browser_offer

KEY = bytes(range(32))


def record_in(worker: RunningWorker, name: str = "r2") -> dict[str, Any]:
    journal = worker.data / "journals" / name
    return {"journal": str(journal), "key": base64.b64encode(KEY).decode(), "facts": {"procedure": "notarization"}}


def read_journal(directory: Path) -> tuple[list[dict[str, Any]], Counter[int]]:
    """(events in order, RTP packets by stream); fails on any damage."""
    events: list[dict[str, Any]] = []
    packets: Counter[int] = Counter()
    keys = SessionKeys(KEY)
    for seen in examine(load_segments([directory])):
        assert isinstance(seen, BlockSeen), str(seen)
        for index in range(len(seen.block.chunks)):
            opened = open_chunk(seen, index, keys)
            assert isinstance(opened, Opened), str(opened)
            assert opened.plaintext is not None
            if opened.stream is None:
                events += read_events(opened.plaintext)
            else:
                packets[opened.stream] += sum(r.kind == layout.RTP for r in layout.split_records(opened.plaintext))
    return events, packets


async def test_a_killed_worker_comes_back_as_another_incarnation_and_continues_the_journal(tmp_path: Path) -> None:
    async with running_worker(tmp_path, *QUICK) as first:
        controller = await first.controller()
        before = await controller.ask("hello", protocol=1, controller="test")
        record = record_in(first)
        await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=2, record=record)
        assert (await controller.ask("note", room="r2", epoch=1, kind="admitted", seat="b", data={"by": "a"}))[
            "block"
        ] >= 1
        first.process.send_signal(signal.SIGKILL)
        await first.process.wait()
        await controller.close()

    async with running_worker(tmp_path, *QUICK) as second:
        controller = await second.controller()
        after = await controller.ask("hello", protocol=1, controller="test")
        assert after["incarnation"] != before["incarnation"]
        assert after["rooms"] == []
        reopened = await controller.ask("open_room", room="r2", session="s1", epoch=2, capacity=2, record=record)
        assert reopened["record"]["state"] == "recording"
        await controller.close()

    kinds = [event["kind"] for event in read_journal(tmp_path / "journals" / "r2")[0]]
    assert kinds == ["opened", "admitted", "continued", "closed"]


async def test_a_recorded_room_keeps_all_packets_and_what_happened(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    opened = await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    assert (opened["created"], opened["record"]["state"], opened["record"]["cause"]) == (True, "recording", None)
    a, b = await enter("a", room="r2"), await enter("b", room="r2")
    await until_hears(b, "a", 60)

    await controller.ask("pause", room="r2", epoch=1, seat="a", source="voice", paused=True)
    sealed = (await controller.ask("seal", room="r2", epoch=1))["record"]
    noted = await controller.ask("note", room="r2", epoch=1, kind="consent", seat="b", data={"to": "recording"})
    assert noted["block"] > sealed["block"] - 1
    await controller.ask("leave", room="r2", epoch=1, seat="b", connection=1, reason="left")
    closed = await controller.ask("close_room", room="r2", epoch=1, reason="ended")
    await controller.wait_for("record_state", room="r2", state="closed")
    await controller.wait_for("room_closed", room="r2", reason="ended")

    events, packets = read_journal(worker.data / "journals" / "r2")
    streams = {(e["seat"], e["data"]["source"]): e["data"]["stream"] for e in events if e["kind"] == "stream"}
    assert set(streams) == {("a", "voice"), ("a", "face"), ("b", "voice"), ("b", "face")}
    assert packets[streams["a", "voice"]] >= len([p for p in b.heard_from("a") if p.pt == 111])
    assert packets[streams["a", "face"]] >= 60
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "opened"
    assert kinds[-1] == "closed"
    for kind in ("joined", "connected", "paused", "consent", "left", "gone"):
        assert kind in kinds, kinds
    assert closed["record"]["state"] == "closed"
    assert closed["record"]["block"] > noted["block"]
    assert a.name == "a"


async def test_a_recorded_room_takes_only_codecs_that_films_are_made_of(
    controller: Controller, worker: RunningWorker
) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    come: dict[str, Any] = {
        "seat": "a",
        "connection": 1,
        "label": {},
        "sources": {"0": "voice", "1": "face"},
        "epoch": 1,
    }

    answers = [
        (await controller.ask("join", room=room, offer=browser_offer("chromium_plain"), **come))["answer"]
        for room in ("r1", "r2")
    ]

    assert [{name for name in ("VP8", "H264", "VP9", "AV1") if f"{name}/90000" in answer} for answer in answers] == [
        {"VP8", "H264", "VP9", "AV1"},
        {"VP8", "H264"},
    ]


async def test_while_paused_nothing_is_recorded(enter: Enter, controller: Controller, worker: RunningWorker) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    a = await enter("a", room="r2")
    await controller.wait_for("up_state", seat="a", source="voice", state="started")
    await controller.ask("pause", room="r2", epoch=1, seat="a", source="voice", paused=True)
    await controller.ask("seal", room="r2", epoch=1)
    before = read_journal(worker.data / "journals" / "r2")
    voice = next(e["data"]["stream"] for e in before[0] if e["kind"] == "stream" and e["data"]["source"] == "voice")

    spoken = a._number
    await eventually(lambda: None if a._number > spoken + 30 else "a goes on")
    await controller.ask("seal", room="r2", epoch=1)

    after = read_journal(worker.data / "journals" / "r2")
    assert after[1][voice] == before[1][voice]
    assert sum(after[1].values()) > sum(before[1].values()) + 10


async def test_journals_stay_in_the_data_directory(
    controller: Controller, worker: RunningWorker, tmp_path: Path
) -> None:
    record = {**record_in(worker), "journal": str(tmp_path / ".." / "elsewhere")}
    request = {"room": "r2", "session": "s1", "epoch": 1, "capacity": 4, "record": record}

    assert await refused(controller, "open_room", **request) == "bad_request"
    assert not (tmp_path.parent / "elsewhere").exists()


async def test_a_journal_that_cannot_be_opened_refuses_the_room(controller: Controller, worker: RunningWorker) -> None:
    record = record_in(worker)
    Path(record["journal"]).parent.mkdir()
    Path(record["journal"]).write_text("a file in the way")

    request = {"room": "r2", "session": "s1", "epoch": 1, "capacity": 4, "record": record}
    assert await refused(controller, "open_room", **request) == "record_failed"
    assert [room["room"] for room in (await controller.ask("hello", protocol=1, controller="t"))["rooms"]] == ["r1"]


async def test_sigterm_closes_journals_cleanly(enter: Enter, controller: Controller, worker: RunningWorker) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    a = await enter("a", room="r2")
    await controller.wait_for("up_state", seat="a", source="face", state="started")

    assert await worker.stop() == 0

    events, packets = read_journal(worker.data / "journals" / "r2")
    assert events[-1]["kind"] == "closed"
    assert events[-1]["data"]["reason"] == "worker_stopped"
    assert sum(packets.values()) > 0
    assert not (worker.data / "w0.sock").exists()
    await eventually(lambda: None if a.closed_by_peer else "no close_notify")


async def test_a_journal_that_fails_is_told_aloud_and_the_people_go_on(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    a, b = await enter("a", room="r2"), await enter("b", room="r2")
    resource.prlimit(
        worker.process.pid, resource.RLIMIT_FSIZE, (40_000, 40_000)
    )  # the disk is full, as far as it can see

    failed = await controller.wait_for("record_state", room="r2", state="failed")

    assert "OSError" in failed["cause"]
    assert await refused(controller, "note", room="r2", epoch=1, kind="signed", data={}) == "record_failed"
    assert await refused(controller, "seal", room="r2", epoch=1) == "record_failed"
    heard = len(a.heard_from("b"))
    await eventually(lambda: None if len(a.heard_from("b")) > heard + 30 else "the room stopped with its journal")
    closed = await controller.ask("close_room", room="r2", epoch=1, reason="ended")
    assert (closed["closed"], closed["record"]["state"]) == (True, "failed")
    assert b.name == "b"
