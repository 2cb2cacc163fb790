"""Layers through a real worker: who gets which, that the numbers go on, and what the recording holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from media.core import rtcp
from media.core.picture_ids import read_numbers
from media.record.packs.check import JournalCheck, Report
from media.record.reader import SessionKeys, load_segments
from tests.media.conftest import Enter
from tests.media.test_control import KEY, record_in
from tests.support.eventually import eventually
from tests.support.layered_client import LayeredClient
from tests.support.media_worker import Controller, RunningWorker
from tests.support.rtc_client import Packet, RtcClient, continuous, join


@pytest.fixture
async def speaker(controller: Controller) -> AsyncIterator[LayeredClient]:
    client = LayeredClient("a")
    yield client
    await client.close()


async def come(controller: Controller, client: LayeredClient, room: str = "r1") -> None:
    ok = await join(controller, client, room=room)
    assert "a=simulcast:recv q;h;f" in ok["answer"]
    await client.connect(ok["answer"])
    await controller.wait_for("peer_state", seat=client.name, state="connected")
    client.start_media()


def pictures(viewer: RtcClient) -> list[Packet]:
    return [packet for packet in viewer.heard_from("a") if packet.pt == 96]


def layer_of(packet: Packet) -> str:
    return packet.payload[6:].split(b":")[1].decode()


async def until_sees(viewer: RtcClient, rid: str, timeout_s: float = 20) -> None:
    """Ten pictures in a row are of this layer."""

    def lacking() -> str | None:
        last = [layer_of(packet) for packet in pictures(viewer)[-10:]]
        return None if last == [rid] * 10 else f"the last ones: {last}"

    await eventually(lacking, timeout_s)


def check_whole(packets: list[Packet]) -> None:
    """No gap in any number, and each change of layer begins with a key frame."""
    assert continuous(packets)
    assert len({packet.ssrc for packet in packets}) == 1
    packets = sorted(packets, key=lambda packet: packet.seq - packets[0].seq & 0xFFFF)  # a repair comes later
    numbers = [read_numbers(packet.payload, 0, len(packet.payload)) for packet in packets]
    for (before, now), (old, new) in zip(pairwise(numbers), pairwise(packets), strict=True):
        assert (now[0] - before[0] & 0x7FFF, now[1] - before[1] & 0xFF) == (1, 1)
        assert 0 < (new.ts - old.ts & 0xFFFFFFFF) < 60 * 90000  # each layer counts from a place of its own
        assert layer_of(old) == layer_of(new) or b":key:" in new.payload


async def test_a_narrow_line_gets_the_small_layer_and_others_keep_the_large_one(
    controller: Controller, speaker: LayeredClient, enter: Enter
) -> None:
    near, far = await enter("b", media=False), await enter("c", media=False)
    await come(controller, speaker)
    await until_sees(near, "f")
    await until_sees(far, "f")

    def believe(bps: int) -> None:
        far.send_rtcp(rtcp.BandwidthEstimate(far.video_ssrc, bps, (pictures(far)[-1].ssrc,)))

    believe(900_000)
    await until_sees(far, "f")
    before = len(pictures(near))
    believe(120_000)
    await until_sees(far, "q")

    assert {layer_of(packet) for packet in pictures(near)[before:]} == {"f"}
    await until_sees(near, "f")
    believe(900_000)
    await until_sees(far, "f")
    for viewer in (near, far):
        check_whole(pictures(viewer))
        assert viewer.counts["replayed"] == 0


async def test_a_layer_that_ends_is_replaced_by_the_next_smaller_one(
    controller: Controller, speaker: LayeredClient, enter: Enter
) -> None:
    viewer = await enter("b", media=False)
    await come(controller, speaker)
    await until_sees(viewer, "f")

    speaker.layers["f"].on = False
    await until_sees(viewer, "h")
    speaker.layers["f"].on = True
    await until_sees(viewer, "f")

    check_whole(pictures(viewer))


async def test_the_recording_takes_the_largest_layer_one_at_a_time(
    worker: RunningWorker, controller: Controller, speaker: LayeredClient
) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    layers = speaker.layers
    layers["f"].on = False
    await come(controller, speaker, room="r2")
    for rid, on in (("h", False), ("f", True), ("h", False)):
        layers["f"].on = on
        await asked_for(speaker, rid)
    await controller.ask("close_room", room="r2", epoch=1, reason="ended")

    check = JournalCheck(report := Report(), SessionKeys(KEY))
    check.run(load_segments([worker.data / "journals" / "r2"]))
    assert list(check.ledger.findings()) == []
    assert report.damages == []
    begun = {
        e["data"]["stream"]: e["data"]["rid"] for e in check.events if e["kind"] == "stream" and e["data"].get("rid")
    }
    assert list(begun.values())[-3:] == ["h", "f", "h"]
    open_now: set[int] = set()
    for event in check.events:
        number = event["data"].get("stream")
        if event["kind"] == "stream" and number in begun:
            assert not open_now
            open_now.add(number)
        elif event["kind"] == "stream_ended":
            open_now.discard(number)
    ends = [event["data"] for event in check.events if event["kind"] == "stream_ended"]
    assert [end["missing"] for end in ends] == [0] * len(ends)
    assert min(end["received"] for end in ends) > 0


async def asked_for(client: LayeredClient, rid: str) -> None:
    """The worker has asked for a key frame of this layer from now on, it was sent, and twenty more pictures after it."""
    layer = client.layers[rid]
    before = layer.answered
    await eventually(lambda: None if layer.answered > before else f"no key frame of {rid} was asked for", 20)
    since = layer.sent
    await eventually(lambda: None if layer.sent >= since + 20 else f"{layer.sent - since} pictures of {rid}", 20)
