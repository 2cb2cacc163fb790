"""Both packet paths, by the same tests: headers, key frames, repairs, what is told (tests/support/forward_stage.py)."""

from __future__ import annotations

import random

import pylibsrtp
import pytest

from media.core.rtcp import TransportFeedback, parse_compound
from media.core.rtp import HEADER, HEADER_ABS, SILENCE, abs_send_time_word
from media.net.answer import pt_table
from tests.support.forward_stage import GCM, OUR_KEY, VP8_DELTA, VP8_KEY, NewStage, Recorded


def test_header_is_ours_and_payload_is_theirs(new_stage: NewStage) -> None:
    stage = new_stage()
    down = stage.subscriber()
    stage.path.connect(stage.up, down)

    stage.receive(500, VP8_KEY + b"picture", ts=9000, marker=True)
    stage.receive(501, VP8_DELTA + b"next", ts=12000)

    (first, payload), (second, _) = stage.taken()
    assert payload == VP8_KEY + b"picture"
    assert (first.pt, first.marker, first.ssrc, first.extension) == (102, True, 1002, 0)
    assert (second.seq - first.seq, second.ts - first.ts, second.marker) == (1, 3000, False)
    assert (down.packets, stage.path.packets_in, stage.path.packets_out) == (2, 2, 2)


def test_extensions_of_the_publisher_are_not_passed_on_and_abs_send_time_is_ours(new_stage: NewStage) -> None:
    stage = new_stage()
    stage.path.connect(stage.up, stage.subscriber(2, abs_ident=5))
    mid = b"\xbe\xde\x00\x01\x30x\x00\x00"

    stage.receive_plain(HEADER.pack(0x90, 96, 9, 0, 77) + mid + VP8_KEY + b"p")

    ((data, _),) = stage.wire.sent
    plain = stage.receivers[2].unprotect(data)
    *_, word_of_profile, word = HEADER_ABS.unpack_from(plain)
    assert word_of_profile == 0xBEDE0001
    assert word == abs_send_time_word(5, stage.now)
    assert plain[20:] == VP8_KEY + b"p"


def test_video_waits_for_a_key_frame_and_audio_does_not(new_stage: NewStage) -> None:
    video, audio = new_stage(), new_stage("audio", "opus")
    for stage in (video, audio):
        stage.path.connect(stage.up, stage.subscriber())
        stage.receive(1, VP8_DELTA + b"x")

    assert video.taken() == []
    assert video.watch.wanted == [video.up]
    assert len(audio.taken()) == 1
    video.receive(2, VP8_KEY + b"k")
    video.receive(3, VP8_DELTA + b"d")
    assert [payload for _, payload in video.taken()] == [VP8_KEY + b"k", VP8_DELTA + b"d"]


def test_a_codec_the_subscriber_has_not_is_not_sent(new_stage: NewStage) -> None:
    stage = new_stage()
    stage.path.connect(stage.up, stage.subscriber(pts={"H264": 108}))

    stage.receive(1, VP8_KEY)

    assert stage.taken() == []
    assert pt_table({"VP8": 96, "H264": 97}, {"VP8": 102})[97] == 0


def test_a_full_socket_costs_video_the_picture_and_audio_one_packet(new_stage: NewStage) -> None:
    for kind, codec in (("video", "VP8"), ("audio", "opus")):
        stage = new_stage(kind, codec)
        stage.path.connect(stage.up, stage.subscriber())
        stage.receive(1, VP8_KEY)
        stage.wire.full = True
        stage.receive(2, VP8_DELTA + b"lost")
        stage.wire.full = False
        stage.watch.wanted.clear()
        stage.receive(3, VP8_DELTA + b"3")
        stage.receive(4, VP8_KEY + b"4")
        stage.receive(5, VP8_DELTA + b"5")

        bodies = [payload[2:] for _, payload in stage.taken()]
        assert bodies == ([b"", b"4", b"5"] if kind == "video" else [b"", b"3", b"4", b"5"])
        assert stage.dropped["send_full"] == 1


def test_pause_forwards_and_records_nothing_and_resumes_with_a_key_frame(new_stage: NewStage) -> None:
    stage = new_stage()
    stage.up.tap = recorded = Recorded()
    stage.path.connect(stage.up, stage.subscriber())
    stage.receive(1, VP8_KEY + b"1")
    stage.path.pause(stage.up, True)
    stage.receive(2, VP8_KEY + b"2")
    stage.watch.wanted.clear()
    stage.path.pause(stage.up, False)
    stage.receive(3, VP8_DELTA + b"3")
    stage.receive(4, VP8_KEY + b"4")

    out = stage.taken()
    assert [payload[2:] for _, payload in out] == [b"1", b"4"]
    assert (out[1][0].seq - out[0][0].seq) & 0xFFFF == 1
    assert stage.watch.wanted == [stage.up]
    assert [packet[14:] for packet in recorded.packets] == [b"1", b"3", b"4"]
    assert stage.up.reception.packets == 4


def test_duplicates_are_neither_sent_nor_recorded(new_stage: NewStage) -> None:
    stage = new_stage("audio", "opus")
    stage.up.tap = recorded = Recorded()
    stage.path.connect(stage.up, stage.subscriber())
    for seq in (1, 2):
        stage.receive(seq, b"v")
    rtx = HEADER.pack(0x80, 97, 1, 0, 78) + (2).to_bytes(2, "big") + b"v"

    stage.receive_plain(rtx)

    assert len(stage.taken()) == 2
    assert len(recorded.packets) == 2
    assert stage.dropped["duplicate"] == 1


def test_late_and_repaired_packets_take_their_own_place(new_stage: NewStage) -> None:
    stage = new_stage("audio", "opus")
    stage.path.connect(stage.up, stage.subscriber())
    stage.receive(10, b"10")
    stage.receive(13, b"13")
    stage.receive(12, b"12")
    stage.receive_plain(HEADER.pack(0x80, 97, 1, 0, 78) + (11).to_bytes(2, "big") + b"11")

    out = stage.taken()
    base = out[0][0].seq
    assert [((h.seq - base) & 0xFFFF, payload) for h, payload in out] == [
        (0, b"10"),
        (3, b"13"),
        (2, b"12"),
        (1, b"11"),
    ]
    assert stage.watch.gaps
    assert stage.up.reception.packets == 3


def test_retransmission_runs_on_its_own_ssrc_and_numbers(new_stage: NewStage) -> None:
    stage = new_stage()
    down = stage.subscriber()
    stage.path.connect(stage.up, down)
    stage.receive(1, VP8_KEY + b"1", ts=7, marker=True)
    stage.receive(2, VP8_DELTA + b"2")
    (first, _), (second, _) = stage.taken()

    assert stage.path.retransmit(down, [second.seq, first.seq, first.seq, 12345], stage.now) == 3

    out = stage.taken()
    assert [(h.ssrc, h.pt) for h, _ in out] == [(2002, 103)] * 3
    assert [int.from_bytes(payload[:2], "big") for _, payload in out] == [second.seq, first.seq, first.seq]
    assert out[1][1][2:] == VP8_KEY + b"1"
    assert (out[1][0].marker, out[1][0].ts) == (True, first.ts)
    assert len({h.seq for h, _ in out}) == 3


def test_retransmission_stops_with_the_connection_and_with_the_budget(new_stage: NewStage) -> None:
    stage = new_stage()
    down = stage.subscriber()
    stage.path.connect(stage.up, down)
    for seq in range(300):
        stage.receive(seq, VP8_KEY)
    seqs = [h.seq for h, _ in stage.taken()]

    assert stage.path.retransmit(down, seqs, stage.now) == 200
    assert stage.path.retransmit(down, seqs, stage.now + 0.101) == 40
    stage.path.connect(stage.new_up(2, 99), down)
    assert stage.path.retransmit(down, seqs, stage.now + 9) == 0, "what the slot showed before must not come any more"
    stage.path.disconnect(down)
    assert stage.path.retransmit(down, seqs, stage.now + 9) == 0


def test_an_up_stream_that_ends_leaves_its_subscribers_empty(new_stage: NewStage) -> None:
    stage = new_stage()
    down = stage.subscriber()
    stage.path.connect(stage.up, down)
    stage.path.remove_up(stage.up)

    assert (down.up, stage.lane.ups, stage.lane.repairs) == (None, {}, {})


def test_packets_before_keys_or_with_wrong_ones_are_counted(new_stage: NewStage) -> None:
    stage = new_stage()
    rtp, rtcp = bytes([0x80, 96]) + bytes(98), bytes([0x80, 200]) + bytes(98)
    stage.feed(stage.lane, rtp, 0.0)
    stage.path.close_lane(stage.lane)
    stage.feed(stage.lane, rtp, 0.0)
    stage.feed(stage.lane, rtcp, 0.0)

    assert stage.dropped == {"bad_auth": 1, "no_keys": 2}
    assert not stage.path.send_rtcp(stage.lane, bytes(8))


@pytest.mark.parametrize("seed", range(20))
def test_no_number_is_ever_used_twice_whatever_happens(seed: int, new_stage: NewStage) -> None:
    """libsrtp refuses a repeated number (GCM nonce), and so does the subscriber: neither may ever have to."""
    chance = random.Random(seed)
    stage = new_stage()
    ups = [stage.up, stage.new_up(2, 90), stage.new_up(3, 92)]
    downs = [stage.subscriber(port) for port in (2, 3)]
    seqs = {up.ssrc: chance.randrange(65536) for up in ups}
    waiting: list[tuple[int, int]] = []

    for step in range(3000):
        stage.now += 0.005
        action = chance.random()
        if action < 0.01:
            stage.path.connect(chance.choice(ups), chance.choice(downs))
        elif action < 0.015:
            stage.path.disconnect(chance.choice(downs))
        elif action < 0.025:
            up = chance.choice(ups)
            stage.path.pause(up, not up.paused)
        stage.wire.full = chance.random() < 0.01
        up = chance.choice(ups)
        seqs[up.ssrc] += 1
        packet = (up.ssrc, seqs[up.ssrc])
        if chance.random() < 0.1:
            waiting.append(packet)
        else:
            stage.receive(
                packet[1], chance.choice([VP8_KEY, VP8_DELTA]) + b"x", ts=step * 450 & 0xFFFFFFFF, ssrc=packet[0]
            )
        if waiting and chance.random() < 0.1:
            ssrc, seq = waiting.pop(chance.randrange(len(waiting)))
            if seqs[ssrc] - seq < 100:
                stage.receive(seq, VP8_KEY + b"late", ts=step * 450 & 0xFFFFFFFF, ssrc=ssrc)
        stage.taken()

    assert stage.dropped["protect_failed"] == 0
    assert stage.path.packets_out > 200  # enough has flowed for the check above to mean something


def test_the_loudest_level_of_a_voice_is_kept_until_it_is_taken(new_stage: NewStage) -> None:
    stage = new_stage("audio", "opus")
    stage.up.level_ident = 4
    heads = (
        b"\xbe\xde\x00\x01\x40\xb2\x00\x00",  # voice bit and 50
        b"\xbe\xde\x00\x02\x31\x00\x01\x40\x1e\x00\x00\x00",  # behind another element: 30
        b"\x10\x00\x00\x02\x00\x03\x01\x00\x04\x01\x28\x00",  # in the wide form, behind padding: 40
        b"\xbe\xde\x00\x01\x30\x02\x00\x00",  # somebody else's identifier
        b"\xbe\xde\x00\x01\x4f\x02\x00\x00",  # longer than its block
    )
    seen = []
    for seq, head in enumerate(heads, 10):
        stage.receive_plain(HEADER.pack(0x90, 96, seq, 0, 77) + head + b"voice")
        seen.append(stage.up.loudest)

    assert seen == [50, 30, 30, 30, 30]
    stage.up.loudest = SILENCE
    stage.receive(20, b"without")
    assert stage.up.loudest == SILENCE


def test_a_stream_that_negotiated_no_level_has_none(new_stage: NewStage) -> None:
    stage = new_stage("audio", "opus")

    stage.receive_plain(HEADER.pack(0x90, 96, 9, 0, 77) + b"\xbe\xde\x00\x01\x40\x05\x00\x00voice")

    assert (stage.up.level_ident, stage.up.loudest) == (0, SILENCE)


def test_a_browser_whose_losses_are_forgiven_is_told_twice_of_what_came(new_stage: NewStage) -> None:
    stage = new_stage()
    stage.lane.count_ident = 3

    def told(*numbers: int) -> list[list[bool]]:
        """What the browser hears after these came: for each feedback, which of its packets did."""
        for number in numbers:
            block = b"\xbe\xde\x00\x01\x31" + number.to_bytes(2, "big") + b"\x00"
            stage.receive_plain(HEADER.pack(0x90, 96, number, 0, 77) + block + VP8_KEY)
        stage.path.tell_arrivals()
        sent, stage.wire.sent = stage.wire.sent, []
        hearing = pylibsrtp.Session(pylibsrtp.Policy(OUR_KEY, pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=GCM))
        datagrams = [parse_compound(hearing.unprotect_rtcp(data)) for data, _ in sent]
        assert {len(packets) for packets in datagrams} == {1}, "of several in one a browser takes the last"
        return [heard(packet.data) for (packet,) in datagrams if isinstance(packet, TransportFeedback)]

    assert told(1, 2, 4) == [[True, True, False, True]]
    stage.path.tell_gently(stage.lane, forgives=True, at_once=False)
    assert told(6, 8, 9) == [[True], [True] * 2]
    assert told(11) == [[True], [True] * 2, [True]]
    assert told() == [[True]]
    stage.path.tell_gently(stage.lane, forgives=False, at_once=False)
    assert told(12, 14)[-1][-3:] == [True, False, True]


def heard(body: bytes) -> list[bool]:
    """Of each packet that a feedback of one vector of symbols, or one run, tells of: whether it came."""
    count, chunk = int.from_bytes(body[2:4], "big"), int.from_bytes(body[8:10], "big")
    if chunk & 0x8000:
        return [bool(chunk >> (12 - 2 * place) & 3) for place in range(count)]
    return [bool(chunk >> 13)] * count
