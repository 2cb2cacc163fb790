"""The control socket of a real worker: order, fencing, garbage, several controllers, restarts, and the journal behind it."""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from media.control.frames import frame
from media.record import layout
from media.record.reader import BlockSeen, Opened, SessionKeys, examine, load_segments, open_chunk, read_events
from tests.media.conftest import QUICK, Enter
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, Refused, RunningWorker, running_worker
from tests.support.offers import browser_offer
from tests.support.rtc_client import RtcClient, join

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


async def refused(asker: Controller, op: str, /, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        await asker.ask(op, **fields)
    return caught.value.code


async def test_hello_must_come_first(worker: RunningWorker) -> None:
    stranger = await worker.controller(hello=False)

    assert await refused(stranger, "ping") == "bad_request"
    state = await stranger.ask("hello", protocol=1, controller="late")
    assert (await stranger.ask("ping"))["at"] > 1_700_000_000

    assert (state["worker"], state["protocol"], state["rooms"]) == ("w0", 1, [])
    assert state["pid"] == worker.process.pid
    assert state["media"]["udp"][0]["host"] == "127.0.0.1"
    assert state["media"]["fingerprint"].startswith("sha-256 ")
    await stranger.close()


async def test_another_protocol_is_unsupported(worker: RunningWorker) -> None:
    stranger = await worker.controller(hello=False)

    assert await refused(stranger, "hello", protocol=2, controller="newer") == "unsupported"
    await stranger.close()


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xff\xff\xff", frame(b"no json"), frame(b"\xff\xfe\x00"), b"GET / HTTP/1.1\r\n\r\n"],
    ids=["huge frame", "no json", "no utf-8", "http"],
)
async def test_garbage_ends_its_own_connection_only(
    enter: Enter, controller: Controller, worker: RunningWorker, garbage: bytes
) -> None:
    a, b = await enter("a"), await enter("b")
    vandal = await worker.controller()

    vandal.send_bytes(garbage)
    async with asyncio.timeout(30):
        await vandal.ended.wait()

    await until_hears(a, "b")
    assert (await controller.ask("stats", room="r1"))["packets_out"] > 0
    assert b.connected.is_set()
    await vandal.close()


async def test_faulty_requests_are_refused_with_their_field_and_the_connection_lives(controller: Controller) -> None:
    for request, code, words in (
        ({"id": 901, "op": "dance"}, "unknown_op", "dance"),
        ({"id": 902, "op": "seal", "room": "r1"}, "bad_request", "epoch"),
        ({"id": 903, "op": "seal", "room": "a b", "epoch": 1}, "bad_request", "$.room"),
        ({"id": 904, "op": "seal", "room": "nowhere", "epoch": 1}, "unknown_room", "nowhere"),
    ):
        error = (await controller.ask_raw(request))["error"]
        assert error["code"] == code
        assert words in error["message"]
    for without_number in (b'{"op": "ping"}', b"[" * 5000, b"null", b'{"id": "7", "op": "ping"}'):
        controller.send_bytes(frame(without_number))
    await eventually(lambda: None if len(controller.found("unexpected reply", id=None)) == 4 else "no reply")
    assert await controller.ask("ping")


async def test_requests_are_answered_in_order(controller: Controller) -> None:
    replies = await asyncio.gather(*(controller.ask("ping") for _ in range(50)))

    moments = [reply["at"] for reply in replies]
    assert moments == sorted(moments)


async def test_epochs_fence_every_message_of_a_room(controller: Controller) -> None:
    room = {"room": "r1", "session": "s1", "capacity": 6, "record": None}
    assert (await controller.ask("open_room", epoch=1, **room))["created"] is False
    assert (await controller.ask("open_room", epoch=4, **room))["created"] is False

    client = RtcClient("a")
    for op, fields in {
        "open_room": {"session": "s1", "capacity": 6, "record": None},
        "close_room": {"reason": "x"},
        "join": {"seat": "a", "connection": 1, "offer": client.offer(), "sources": client.sources, "label": {}},
        "leave": {"seat": "a", "connection": 1, "reason": "x"},
        "pause": {"seat": "a", "source": "voice", "paused": True},
        "move": {"seat": "a", "to_room": "r2", "to_epoch": 1},
        "note": {"kind": "k", "data": {}},
        "seal": {},
    }.items():
        assert await refused(controller, op, room="r1", epoch=3, **fields) == "stale_epoch", op
    assert await controller.ask("close_room", room="r1", epoch=4, reason="ended") == {"closed": True, "record": None}
    assert await refused(controller, "open_room", epoch=3, **room) == "stale_epoch"
    assert await controller.ask("close_room", room="r1", epoch=4, reason="ended") == {"closed": False, "record": None}
    await client.close()


async def test_capacity_and_drain(enter: Enter, controller: Controller) -> None:
    await controller.ask("open_room", room="small", session="s1", epoch=1, capacity=1, record=None)
    await enter("a", room="small")
    second = RtcClient("b")

    with pytest.raises(Refused, match="room_full"):
        await join(controller, second, room="small")
    assert await controller.ask("drain", on=True) == {"draining": True, "rooms": 2}
    new = {"epoch": 1, "capacity": 2, "record": None}
    assert await refused(controller, "open_room", room="r9", session="s9", **new) == "draining"
    assert (await controller.ask("open_room", room="small", session="s1", **new))["created"] is False
    assert (await controller.ask("open_room", room="aside", session="s1", **new))[
        "created"
    ] is True  # of people who are here
    assert await controller.ask("drain", on=False) == {"draining": False, "rooms": 3}
    assert (await controller.ask("open_room", room="r9", session="s9", **new))["created"] is True
    await second.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: "",
        lambda sdp: "v=0",
        lambda sdp: sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:x"),
        lambda sdp: sdp.replace("a=ice-ufrag", "a=ice-nofrag"),
        lambda sdp: sdp.replace("m=", "m=image "),
        lambda sdp: sdp.replace("a=setup:actpass", "a=setup:passive"),
        lambda sdp: sdp.replace("a=ssrc:", "a=ssrc:x"),
        lambda sdp: sdp * 100,
    ],
    ids=["empty", "one line", "fingerprint", "ufrag", "kind", "setup", "ssrc", "huge"],
)
async def test_bad_offers_are_refused_and_change_nothing(enter: Enter, controller: Controller, spoil: Any) -> None:
    a = await enter("a")
    newcomer = RtcClient("b")
    request = {"room": "r1", "epoch": 1, "sources": newcomer.sources, "label": {}}

    for client, connection in ((newcomer, 1), (a, 1), (a, 2)):
        offer = spoil(client.offer())
        assert await refused(controller, "join", seat=client.name, connection=connection, offer=offer, **request) in (
            "bad_offer",
            "bad_request",
        )
    state = await controller.ask("hello", protocol=1, controller="test")

    seats = [(seat["seat"], seat["connection"], seat["state"]) for seat in state["rooms"][0]["seats"]]
    assert seats == [("a", 1, "connected")]
    await newcomer.close()


async def test_every_controller_gets_every_event_and_a_new_one_the_whole_state(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    second = await worker.controller()
    a, _b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    await second.wait_for("peer_state", seat="a", state="connected")
    await second.wait_for("slots", seat="a")
    await second.wait_for("quality", room="r1")
    state = await second.ask("hello", protocol=1, controller="again")

    (room,) = state["rooms"]
    assert (room["room"], room["session"], room["epoch"], room["record"]) == ("r1", "s1", 1, None)
    first = room["seats"][0]
    assert (first["seat"], first["connection"], first["state"], first["short"]) == ("a", 1, "connected", 0)
    assert first["up"] == [
        {"source": "voice", "kind": "audio", "paused": False},
        {"source": "face", "kind": "video", "paused": False},
    ]
    assert first["slots"] == controller.found("slots", seat="a")[-1]["slots"]
    await second.close()


async def test_the_death_of_the_web_process_disturbs_nobody(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    await controller.close()
    heard = len(a.heard_from("b"))
    await eventually(lambda: None if len(a.heard_from("b")) > heard + 60 else "the media stopped with the controller")

    successor = await worker.controller()
    state = await successor.ask("hello", protocol=1, controller="web-2")
    assert [seat["state"] for seat in state["rooms"][0]["seats"]] == ["connected", "connected"]
    await successor.ask("leave", room="r1", epoch=1, seat="b", connection=1, reason="left")
    await successor.wait_for("peer_state", seat="b", state="gone")
    await successor.close()
    assert b.closed_by_peer or b.connected.is_set()


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


async def test_the_control_socket_is_ours_alone(worker: RunningWorker) -> None:
    assert worker.control.stat().st_mode & 0o777 == 0o600
    assert worker.control.stat().st_uid == os.getuid()


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--control", "unix:{dir}/" + "x" * 200), "cannot listen"),
        (("--udp", "0.0.0.0:0"), "--announce"),
        (("--udp", "198.51.100.7:9"), "cannot listen"),
        (("--control", "tcp:1"), "must be unix:PATH"),
        (("--udp", "nonsense"), "must be HOST:PORT"),
    ],
)
async def test_a_worker_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    usual = {"--name": "w", "--control": f"unix:{tmp_path}/w.sock", "--udp": "127.0.0.1:0", "--data": str(tmp_path)}
    usual[options[0]] = options[1].format(dir=tmp_path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "media"),
        *(text for option in usual.items() for text in option),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    out, err = await process.communicate()

    assert process.returncode != 0
    assert out == b""
    assert words in err.decode().splitlines()[-1]
    assert b"Traceback" not in err
