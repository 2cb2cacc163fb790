"""The control socket of a real worker: order, fencing, garbage, several controllers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.control.frames import frame
from tests.media.conftest import Enter
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, Refused, RunningWorker
from tests.support.rtc_client import RtcClient, join


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


GARBAGE = {
    "huge frame": b"\xff\xff\xff\xff",
    "no json": frame(b"no json"),
    "no utf-8": frame(b"\xff\xfe\x00"),
    "http": b"GET / HTTP/1.1\r\n\r\n",
}


async def test_garbage_ends_its_own_connection_only(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    a, b = await enter("a"), await enter("b")
    for garbage in GARBAGE.values():
        vandal = await worker.controller()
        vandal.send_bytes(garbage)
        async with asyncio.timeout(30):
            await vandal.ended.wait()
        heard = len(a.heard_from("b"))
        await eventually(lambda heard=heard: None if len(a.heard_from("b")) > heard + 30 else "a hears nobody")
        await vandal.close()

    assert (await controller.ask("stats", room="r1"))["packets_out"] > 0
    assert b.connected.is_set()


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


SPOILT: dict[str, Callable[[str], str]] = {
    "empty": lambda sdp: "",
    "one line": lambda sdp: "v=0",
    "fingerprint": lambda sdp: sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:x"),
    "ufrag": lambda sdp: sdp.replace("a=ice-ufrag", "a=ice-nofrag"),
    "kind": lambda sdp: sdp.replace("m=", "m=image "),
    "setup": lambda sdp: sdp.replace("a=setup:actpass", "a=setup:holdconn"),
    "ssrc": lambda sdp: sdp.replace("a=ssrc:", "a=ssrc:x"),
    "huge": lambda sdp: sdp * 100,
}


async def test_bad_offers_are_refused_and_change_nothing(enter: Enter, controller: Controller) -> None:
    a = await enter("a")
    newcomer = RtcClient("b")
    request: dict[str, Any] = {"room": "r1", "epoch": 1, "sources": newcomer.sources, "label": {}}

    for how, spoil in SPOILT.items():
        for client, connection in ((newcomer, 1), (a, 1), (a, 2)):
            offer = spoil(client.offer())
            code = await refused(controller, "join", seat=client.name, connection=connection, offer=offer, **request)
            assert code in {"bad_offer", "bad_request"}, how
        state = await controller.ask("hello", protocol=1, controller="test")
        seats = [(seat["seat"], seat["connection"], seat["state"]) for seat in state["rooms"][0]["seats"]]
        assert seats == [("a", 1, "connected")], how
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


async def test_the_control_socket_is_ours_alone(worker: RunningWorker) -> None:
    assert worker.control.stat().st_mode & 0o777 == 0o600
    assert worker.control.stat().st_uid == os.getuid()


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
