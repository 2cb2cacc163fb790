"""Packets through a real worker: who gets what, in which order, under which numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.media.conftest import Enter
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, Refused, RunningWorker
from tests.support.rtc_client import RtcClient, join
from tests.support.rtc_packets import Packet, continuous


def hears(listener: RtcClient, speaker: str, packets: int = 20) -> None:
    """Fails with a reason while fewer than so many packets of voice and picture have come."""
    heard = listener.heard_from(speaker)
    voice = [p for p in heard if p.pt == 111]
    picture = [p for p in heard if p.pt == 96]
    assert len(voice) >= packets, f"{listener.name} heard {len(voice)} of {speaker}"
    assert len(picture) >= packets, f"{listener.name} saw {len(picture)} of {speaker}"


async def until_hears(listener: RtcClient, speaker: str, packets: int = 20) -> None:
    await eventually(lambda: hears(listener, speaker, packets))


async def test_two_people_get_each_other_in_order_and_without_gaps(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")

    await until_hears(a, "b", 60)
    await until_hears(b, "a", 60)

    for client in (a, b):
        for line in client.received.values():
            assert continuous(line)
            assert [p.payload for p in line] == [p.payload for p in sorted(line, key=_by_number)]
        assert client.counts["replayed"] == 0


def _by_number(packet: object) -> tuple[int, bool]:
    payload: bytes = packet.payload  # type: ignore[attr-defined]
    return int(payload.split(b":")[1]), b"\x00\x01" in payload[:2]


async def test_video_begins_with_a_key_frame(enter: Enter) -> None:
    a = await enter("a")
    await eventually(lambda: None if a._number > 30 else "a has not sent for a while")
    b = await enter("b")

    await until_hears(b, "a", 5)

    first = next(p for p in b.heard_from("a") if p.pt == 96)
    assert first.payload.endswith(b"key")
    assert a.counts["pli"] >= 1


async def test_third_person_comes_later_and_sees_both(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    c = await enter("c")

    for listener, speaker in ((c, "a"), (c, "b"), (a, "c"), (b, "c")):
        await until_hears(listener, speaker)


async def test_nobody_gets_his_own_packets(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")
    await until_hears(b, "a")

    assert a.heard_from("a") == []
    assert b.heard_from("b") == []


async def test_streams_without_announced_ssrc_are_learnt_by_mid(enter: Enter) -> None:
    a, b = await enter("a", mid_only=True), await enter("b")

    await until_hears(b, "a", 40)
    assert a.heard_from("a") == []


async def test_loss_towards_a_subscriber_is_repaired_over_rtx(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")
    b.drop_down = lambda p: p.pt == 96 and p.seq % 7 == 0 and not p.rtx

    await until_hears(b, "a", 100)

    video = b.ssrc_of_mid["3"] if b.received[b.ssrc_of_mid["3"]] else b.ssrc_of_mid["5"]
    await eventually(lambda: None if continuous(b.received[video], unsettled=30) else "gaps are not repaired yet")
    assert any(p.rtx for p in b.received[video])
    assert b.counts["replayed"] == 0
    assert a.counts["pli"] < 5


async def test_loss_from_a_publisher_is_asked_for_and_repaired(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")
    a.drop_up = lambda kind, seq: kind == "video" and seq % 9 == 0

    await until_hears(b, "a", 150)

    assert a.counts["nacked"] >= a.counts["lost_up"] - 1 > 3
    for line in b.received.values():
        await eventually(lambda line=line: None if continuous(line, unsettled=30) else describe(line))


def describe(line: list[Packet]) -> str:
    """Which numbers are missing or twice."""
    start = line[0].seq
    numbers = sorted(((p.seq - start + 0x8000) & 0xFFFF) - 0x8000 for p in line)
    missing = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    twice = [n for n, m in pairwise(numbers) if n == m]
    return f"{len(numbers)} packets to {numbers[-1]}: missing {missing}, twice {twice}, rtx {sum(p.rtx for p in line)}"


async def test_pause_stops_one_stream_and_nothing_else(enter: Enter, controller: Controller) -> None:
    _, b = await enter("a"), await enter("b")
    await until_hears(b, "a")

    assert await controller.ask("pause", room="r1", epoch=1, seat="a", source="voice", paused=True) == {"paused": True}
    await controller.wait_for("up_state", seat="a", source="voice", state="paused")
    spoken, seen = len(voice_of(b, "a")), len(picture_of(b, "a"))
    await eventually(lambda: None if len(picture_of(b, "a")) > seen + 40 else "the picture stopped too")

    assert len(voice_of(b, "a")) <= spoken + 10  # what was on its way; 40 pictures were as many voices
    await controller.ask("pause", room="r1", epoch=1, seat="a", source="voice", paused=False)
    await until_hears(b, "a", spoken + 20)
    for line in b.received.values():
        assert continuous(line), "what was left out on purpose must not look like loss"


def voice_of(listener: RtcClient, speaker: str) -> list[Packet]:
    return [p for p in listener.heard_from(speaker) if p.pt == 111]


def picture_of(listener: RtcClient, speaker: str) -> list[Packet]:
    return [p for p in listener.heard_from(speaker) if p.pt == 96]


async def test_pause_survives_a_reconnect(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")
    await controller.ask("pause", room="r1", epoch=1, seat="a", source="face", paused=True)

    again = await enter("a", connection=2)
    voice, picture = len(voice_of(b, "a")), len(picture_of(b, "a"))
    await eventually(lambda: None if len(voice_of(b, "a")) > voice + 30 else "the new a is not heard")

    assert len(picture_of(b, "a")) == picture
    assert a is not again


async def test_leaving_ends_sending_at_once_and_frees_the_slot(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    assert await controller.ask("leave", room="r1", epoch=1, seat="b", connection=1, reason="left") == {"left": True}

    await controller.wait_for("peer_state", seat="b", state="gone", cause="left")
    await eventually(lambda: None if b.closed_by_peer else "no close_notify")
    sent_before = b.counts["bytes"]
    last = controller.found("slots", seat="a")[-1]
    assert [slot["seat"] for slot in last["slots"]] == [None, None]
    heard = len(a.heard_from("b"))
    await eventually(lambda: None if a._number > 100 else "a goes on")
    assert len(a.heard_from("b")) <= heard + 5
    assert b.counts["bytes"] - sent_before < 3000
    assert await controller.ask("leave", room="r1", epoch=1, seat="b", connection=1, reason="left") == {"left": False}


async def test_higher_connection_replaces_and_lower_is_refused(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")

    again = await enter("a", connection=2)

    await controller.wait_for("peer_state", seat="a", connection=1, state="gone", cause="replaced")
    await until_hears(again, "b")
    before = len(b.heard_from("a"))
    await eventually(lambda: None if len(b.heard_from("a")) > before + 20 else "the new peer is not heard")
    with pytest.raises(Refused, match="stale_connection"):
        await join(controller, a, connection=1)
    with pytest.raises(Refused, match="stale_connection"):
        await controller.ask("leave", room="r1", epoch=1, seat="a", connection=1, reason="left")


async def test_moving_takes_a_person_to_another_room_and_leaks_nothing(enter: Enter, controller: Controller) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=6, record=None)
    a, b = await enter("a"), await enter("b")
    c = await enter("c", room="r2")
    await until_hears(b, "a")

    moved = await controller.ask("move", room="r1", epoch=1, seat="a", to_room="r2", to_epoch=1)

    assert moved == {"moved": True}
    from_a, from_b = len(b.heard_from("a")), len(a.heard_from("b"))
    await until_hears(c, "a", 60)
    await until_hears(a, "c", 60)
    assert len(b.heard_from("a")) <= from_a + 20  # what was on its way; what leaked would be six times as many
    assert len(a.heard_from("b")) <= from_b + 20
    assert c.heard_from("b") == []
    rooms = {room["room"]: [s["seat"] for s in room["seats"]] for room in (await hello(controller))["rooms"]}
    assert rooms == {"r1": ["b"], "r2": ["c", "a"]}


async def hello(controller: Controller) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
    return await controller.ask("hello", protocol=1, controller="test")


async def test_a_new_address_is_followed_without_renegotiation(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    a.move_address()

    heard, seen = len(a.heard_from("b")), len(b.heard_from("a"))
    await eventually(lambda: None if len(a.heard_from("b")) > heard + 30 else "a gets nothing at the new address")
    await eventually(lambda: None if len(b.heard_from("a")) > seen + 30 else "a is not heard from the new address")
    assert controller.found("peer_state", seat="a", state="gone") == []


async def test_ice_restart_keeps_the_media_flowing(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(a, "b")

    old = (a.remote_ufrag, a.remote_pwd)
    a.ufrag = "restarted"
    a.take_answer((await join(controller, a))["answer"])

    assert (a.remote_ufrag, a.remote_pwd) != old
    answered = a.counts["stun"]
    await eventually(lambda: None if a.counts["stun"] > answered else "checks with the new password are not answered")
    heard = len(a.heard_from("b"))
    await eventually(lambda: None if len(a.heard_from("b")) > heard + 30 else "media stopped")
    assert b.connected.is_set()


async def test_silence_is_told_and_ends_sending(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")

    a.fall_silent()

    await controller.wait_for("up_state", seat="a", source="face", state="silent")
    await controller.wait_for("peer_state", seat="a", state="reconnecting")
    await controller.wait_for("peer_state", seat="a", state="gone", cause="consent")
    got = a.counts["bytes"]
    spoken = b._number
    await eventually(lambda: None if b._number > spoken + 25 else "b goes on talking")
    assert a.counts["bytes"] <= got + 300


async def test_a_closed_page_is_noticed_at_once(enter: Enter, controller: Controller) -> None:
    a = await enter("a")

    a.fall_silent()
    a.say_goodbye()

    await controller.wait_for("peer_state", seat="a", state="gone", cause="dtls")


async def test_slots_are_short_and_a_renegotiation_brings_more(enter: Enter, controller: Controller) -> None:
    a = await enter("a", slots=1)
    b, c = await enter("b"), await enter("c")
    await until_hears(a, "b")
    await controller.wait_for("slots", seat="a", short=1)

    a.slots = 2
    ok = await join(controller, a)
    a.take_answer(ok["answer"])

    assert [slot["seat"] for slot in ok["slots"]] == ["b", "c"]
    await until_hears(a, "c")
    await until_hears(a, "b", 80)
    for line in a.received.values():
        assert continuous(line)
    assert b.connected.is_set() and c.connected.is_set()  # noqa: PT018


async def test_a_document_camera_takes_a_slot_of_its_own_and_gives_it_back(
    enter: Enter, controller: Controller
) -> None:
    a, b = await enter("a", slots=3), await enter("b")
    await until_hears(a, "b")

    b.document_ssrc = 4242
    ok = await join(controller, b)

    assert [up["source"] for up in ok["up"]] == ["voice", "face", "document"]
    shown = [(slot["seat"], slot["source"]) for slot in controller.found("slots", seat="a")[-1]["slots"]]
    assert shown == [("b", "face"), ("b", "document"), (None, None)]
    for _ in range(40):
        b.send_plain(b.header(96, b._number & 0xFFFF, 0, 4242, "9") + b"\x10\x00page:1:")
        number = b._number
        await eventually(lambda number=number: None if b._number > number else "b stopped")
    await eventually(lambda: None if a.heard_from("page", mid="5") else "the document does not arrive in slot 1")
    b.document_ssrc = 0
    await join(controller, b)
    assert [slot["seat"] for slot in controller.found("slots", seat="a")[-1]["slots"]] == ["b", None, None]


async def test_a_stream_that_changes_its_ssrc_is_followed(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a", mid_only=True), await enter("b")
    await until_hears(b, "a")

    a.video_ssrc, a.audio_ssrc = 1234567, 7654321
    seen, spoken = len(picture_of(b, "a")), len(voice_of(b, "a"))

    await eventually(lambda: None if len(picture_of(b, "a")) > seen + 20 else "the new picture is not seen")
    await eventually(lambda: None if len(voice_of(b, "a")) > spoken + 20 else "the new voice is not heard")
    for line in b.received.values():
        assert continuous(line)
    assert len(controller.found("up_state", seat="a", source="face", state="started")) == 2


async def test_reports_carry_the_publishers_clock_for_lip_sync(enter: Enter) -> None:
    a, b = await enter("a"), await enter("b")
    await until_hears(b, "a")
    from media.core.rtcp import SenderReport  # noqa: PLC0415

    second = 1 << 32
    for step in range(3):
        a.send_sender_report("audio", (1000 + step) * second, 48000 * step)
        a.send_sender_report("video", (1000 + step) * second, 90000 * step)
        count = len(b.rtcp)
        await eventually(lambda count=count: None if len(b.rtcp) > count + 2 else "no reports")

    reports = {r.ssrc: r for r in b.rtcp if isinstance(r, SenderReport)}
    assert len(reports) == 2
    audio, video = (reports[b.ssrc_of_mid[mid]] for mid in ("2", "3"))
    assert abs(audio.ntp - video.ntp) < second // 2


async def test_quality_tells_loss_and_rate(enter: Enter, controller: Controller) -> None:
    a, b = await enter("a"), await enter("b")
    a.drop_up = lambda kind, seq: kind == "audio" and seq % 5 == 0
    await until_hears(b, "a", 60)

    def reason() -> str | None:
        last = controller.found("quality", room="r1")[-1]["seats"]
        good = (
            "a" in last
            and 0.02 < last["a"]["loss_up"] < 0.3
            and last["a"]["up_bps"] > 1000
            and last["b"]["loss_up"] == 0
        )
        return None if good else f"{last}"

    await eventually(reason)


async def test_who_joins_hears_the_others_without_a_fault(enter: Enter, worker: RunningWorker) -> None:
    """How fast that is says `bench join`."""
    await enter("a")
    b = await enter("b")

    await until_hears(b, "a", 1)

    assert worker.faults() == []
