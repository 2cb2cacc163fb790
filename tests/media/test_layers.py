"""Layers through a real worker: who gets which, that the numbers go on, and what the recording holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from media.core import rtcp
from media.core.picture_ids import read_numbers
from media.record.packs.check import JournalCheck, Report
from media.record.reader import SessionKeys, load_segments
from tests.media.conftest import QUICK, Enter
from tests.media.test_control_journal import KEY, record_in
from tests.support.eventually import eventually
from tests.support.layered_client import LayeredClient
from tests.support.media_worker import Controller, RunningWorker, running_worker
from tests.support.native import path_options
from tests.support.rtc_client import RtcClient, join
from tests.support.rtc_packets import Packet, continuous

# The layers are of 64, 160 and 400 kbit/s, and of much more for a moment when a busy machine brings them all at once.
NARROW_BPS, WIDE_BPS = 120_000, 5_000_000


@pytest.fixture
async def speaker() -> AsyncIterator[LayeredClient]:
    client = LayeredClient("a")
    yield client
    await client.close()


@pytest.fixture
async def viewer() -> AsyncIterator[RtcClient]:
    """Somebody without a camera, who does not come by himself."""
    client = RtcClient("b")
    yield client
    await client.close()


async def come(controller: Controller, client: LayeredClient, room: str = "r1") -> None:
    ok = await join(controller, client, room=room)
    assert "a=simulcast:recv q;h;f" in ok["answer"]
    await client.connect(ok["answer"])
    await controller.wait_for("peer_state", seat=client.name, state="connected")
    client.start_media()


def believe(viewer: RtcClient, bps: int) -> None:
    """Say what a browser says that measures its line."""
    viewer.send_rtcp(rtcp.BandwidthEstimate(viewer.video_ssrc, bps, (1,)))


def pictures(viewer: RtcClient) -> list[Packet]:
    return [packet for packet in viewer.heard_from("a") if packet.pt == 96]


def layer_of(packet: Packet) -> str:
    return packet.payload[6:].split(b":")[1].decode()


async def until_sees(viewer: RtcClient, rid: str, timeout_s: float = 40) -> None:
    """Ten pictures in a row are of this layer."""

    def lacking() -> str | None:
        last = [layer_of(packet) for packet in pictures(viewer)[-10:]]
        return None if last == [rid] * 10 else f"the last ones: {last}"

    await eventually(lacking, timeout_s)


def other_layers(wanted: dict[str, RtcClient]) -> str | None:
    """Why not each of them is seeing another layer at this moment."""
    seen = {rid: [layer_of(packet) for packet in pictures(viewer)[-10:]] for rid, viewer in wanted.items()}
    return None if all(set(last) == {rid} for rid, last in seen.items()) else f"the last ones: {seen}"


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


async def test_each_has_the_layer_of_his_line_and_the_next_smaller_one_when_it_ends(
    controller: Controller, speaker: LayeredClient, enter: Enter
) -> None:
    near, far = await enter("b", media=False), await enter("c", media=False)
    believe(near, WIDE_BPS)
    await come(controller, speaker)
    await until_sees(near, "f")
    await until_sees(far, "f")

    believe(far, WIDE_BPS)
    believe(far, NARROW_BPS)
    await until_sees(far, "q")
    # A worker that stood still may have stepped back with the near one as well, for a moment.
    await eventually(lambda: other_layers({"f": near, "q": far}))
    believe(far, WIDE_BPS)
    await until_sees(far, "f")
    speaker.layers["f"].on = False
    await until_sees(near, "h")
    speaker.layers["f"].on = True
    await until_sees(near, "f")
    for viewer in (near, far):
        check_whole(pictures(viewer))
        assert viewer.counts["replayed"] == 0


@pytest.mark.parametrize("worker", ["native"], indirect=True)
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
    await eventually(lambda: None if layer.answered > before else f"no key frame of {rid} was asked for", 40)
    since = layer.sent
    await eventually(lambda: None if layer.sent >= since + 20 else f"{layer.sent - since} pictures of {rid}", 40)


@pytest.fixture
async def soon_resting(tmp_path: Path) -> AsyncIterator[Controller]:
    """A worker that lets a layer rest after a second."""
    async with running_worker(tmp_path, *QUICK, "--rest-after-s", "1", *path_options("native")) as worker:
        controller = await worker.controller()
        await controller.ask("open_room", room="r1", session="s1", epoch=1, capacity=6, record=None)
        yield controller
        await controller.close()


async def test_layers_that_nobody_takes_rest_and_are_there_again_when_wanted(
    soon_resting: Controller, speaker: LayeredClient, viewer: RtcClient
) -> None:
    await viewer.connect((await join(soon_resting, viewer))["answer"])
    await soon_resting.wait_for("peer_state", seat="b", state="connected")
    await come(soon_resting, speaker)

    async def until_left_with(rid: str) -> None:
        """The speaker does as he is told, until he is told to send this layer alone and it is what the viewer sees."""

        def lacking() -> str | None:
            told = [event["send"] for event in soon_resting.found("layers", seat="a")]
            for layer in speaker.layers.values():
                layer.switch(not told or layer.rid in told[-1])
            seen = [layer_of(packet) for packet in pictures(viewer)[-10:]]
            return None if told[-1:] == [[rid]] and seen == [rid] * 10 else f"told {told}, sees {seen}"

        await eventually(lacking, 40)

    believe(viewer, WIDE_BPS)
    await until_left_with("f")
    believe(viewer, NARROW_BPS)
    await until_left_with("q")
    believe(viewer, WIDE_BPS)
    await until_left_with("f")

    check_whole(pictures(viewer))
