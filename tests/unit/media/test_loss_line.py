"""Two cores, one virtual clock, one bad line: NACK generator, cache, RTX and sequence map repairing 10 % loss. Seeded; no I/O."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from media.core import rtcp, rtp
from media.core.loss import AUDIO_LOSS, VIDEO_LOSS, LossPolicy, LossTracker
from media.core.packetcache import PacketCache
from media.core.reception import Reception
from media.core.seqmap import NOTHING, SeqMap
from media.uplines import RTT_TOLD_S
from tests.support.lossy_line import LossyLine

TICK_S = 0.01
SSRC, RTX_SSRC, PT, RTX_PT = 0x11111111, 0x22222222, 96, 97


@dataclass
class Sender:
    """Sends numbered packets, keeps them in a cache, answers NACKs over RTX; as a browser does, each once in a round trip."""

    line: LossyLine[bytes]
    first_seq: int = 65000  # wraps within the run
    sent: int = 0
    resent: int = 0
    rtt_s: float = 0.0
    cache: PacketCache = field(default_factory=lambda: PacketCache(max_age_s=3.0))  # so long a browser keeps it
    answered: dict[int, float] = field(default_factory=dict)

    def send(self, count: int, ts: int, now: float) -> None:
        for i in range(count):
            seq = self.first_seq + self.sent
            marker_pt = PT | (0x80 if i == count - 1 else 0)
            packet = rtp.HEADER.pack(rtp.VERSION_2, marker_pt, seq & 0xFFFF, ts, SSRC) + self.sent.to_bytes(4, "big")
            self.cache.store(seq, packet, now)
            self.line.send(packet, now)
            self.sent += 1

    def answer(self, nack: rtcp.Nack, now: float) -> None:
        newest = self.first_seq + self.sent - 1
        for seq in nack.seqs:
            ext = newest - ((newest - seq) & 0xFFFF)
            packet = self.cache.get(ext, now)
            if packet is None or now - self.answered.get(ext, -1.0) < self.rtt_s:
                continue
            self.answered[ext] = now
            out = bytearray(len(packet) + 2)
            header = rtp.parse_header(packet, len(packet))
            start = rtp.write_header(out, False, packet[1] & 0x80 | RTX_PT, self.resent & 0xFFFF, header.ts, RTX_SSRC)
            size = rtp.write_rtx_payload(out, start, seq, packet[header.payload :])
            self.line.send(bytes(out[:size]), now)
            self.resent += 1


@dataclass
class Receiver:
    """Takes packets and repairs, asks for what is missing, maps what it has onto an outgoing line."""

    policy: LossPolicy
    reception: Reception
    persists: bool = False
    delivered: dict[int, int] = field(default_factory=dict)  # outgoing number -> serial of the packet
    taken: int = 0
    nack_packets: int = 0
    late: int = 0  # there, but not before LATE_S

    def __post_init__(self) -> None:
        self.loss = LossTracker(self.policy)
        self.loss.persists = self.persists
        self.map = SeqMap(90000, 500, 0)
        self.map.switch(1)

    def take(self, packet: bytes, now: float) -> None:
        repair = packet[1] & 0x7F == RTX_PT
        original = rtp.unwrap_rtx(packet, len(packet), SSRC, PT) if repair else packet
        assert original is not None
        _, _, seq, ts, ssrc = rtp.HEADER.unpack_from(original)
        assert ssrc == SSRC
        ext = self.loss.receive(seq, now)
        if ext < 0:
            return
        self.taken += 1
        self.late += now - ts / 90000 > LATE_S
        if not repair:
            self.reception.receive(ext, ts, now)
        packed = self.map.forward(ext, ts, now)
        if packed != NOTHING:
            assert packed >> 32 not in self.delivered, "an outgoing number was used twice"
            self.delivered[packed >> 32] = int.from_bytes(original[12:16], "big")

    def ask(self, now: float) -> bytes | None:
        seqs = self.loss.due(now)
        if not seqs:
            return None
        self.nack_packets += 1
        return rtcp.write_compound([rtcp.Nack(1, SSRC, tuple(seqs))])


@dataclass(frozen=True)
class Outcome:
    sender: Sender
    receiver: Receiver
    residual: float  # share that never came
    line_loss: float


def run(
    policy: LossPolicy,
    *,
    loss: float,
    delay_s: float,
    jitter_s: float,
    per_tick: int,
    every: int,
    seed: int,
    seconds: int = 30,
    persists: bool = False,
    told_rtt_s: float | None = None,
) -> Outcome:
    """Video or voice over a line that loses both ways. per_tick packets every `every` ticks of 10 ms."""
    chance = random.Random(seed)
    there: LossyLine[bytes] = LossyLine(chance, loss, delay_s, jitter_s)
    back: LossyLine[bytes] = LossyLine(chance, loss, delay_s, jitter_s)
    sender, receiver = (
        Sender(there, rtt_s=2 * delay_s if told_rtt_s is None else told_rtt_s),
        Receiver(policy, Reception(SSRC, 90000), persists),
    )
    for tick in range(int((seconds + 3) / TICK_S)):
        now = tick * TICK_S
        if tick % 100 == 99:
            receiver.loss.measure_rtt(2 * delay_s)  # what receiver reports say once a second
        if tick < seconds / TICK_S and tick % every == 0:
            sender.send(per_tick, int(now * 90000), now)
        for at, packet in there.arrived(now):
            receiver.take(packet, at)
        nack = receiver.ask(now)
        if nack is not None:
            back.send(nack, now)
        for at, data in back.arrived(now):
            (packet_in,) = rtcp.parse_compound(data)
            assert isinstance(packet_in, rtcp.Nack)
            sender.answer(packet_in, at)
    residual = 1 - receiver.taken / sender.sent
    return Outcome(sender, receiver, residual, there.dropped / there.sent)


LATE_S = 0.6  # what a browser waits at most on a line that loses (web/static/js/call/resilience.js), and the way
VIDEO: dict[str, Any] = {"per_tick": 5, "every": 3}  # 5 packets per frame, 33 frames a second
VOICE: dict[str, Any] = {"per_tick": 1, "every": 2}  # 20 ms


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("loss", "delay_s", "jitter_s", "residual_max", "resent_max"),
    [
        (0.00, 0.05, 0.000, 0.0, 0.0),
        (0.05, 0.10, 0.020, 0.001, 0.08),  # target at 5 % and 100 ms each way: below 0.1 %
        (0.10, 0.05, 0.000, 0.001, 0.13),
        (0.10, 0.05, 0.050, 0.001, 0.26),  # jitter as large as the delay: needless requests, but bounded
        (0.10, 0.15, 0.050, 0.005, 0.26),  # target at 10 %: below 0.5 %
        (0.30, 0.05, 0.010, 0.001, 0.50),
        (0.30, 0.10, 0.020, 0.005, 0.50),
    ],
)
def test_video_is_repaired(
    seed: int, loss: float, delay_s: float, jitter_s: float, residual_max: float, resent_max: float
) -> None:
    outcome = run(VIDEO_LOSS, loss=loss, delay_s=delay_s, jitter_s=jitter_s, seed=seed, **VIDEO)

    assert outcome.residual <= residual_max
    assert outcome.sender.resent / outcome.sender.sent <= resent_max
    assert outcome.receiver.nack_packets <= 30 / TICK_S
    assert outcome.line_loss == pytest.approx(loss, abs=0.02)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_asks_until_it_is_there_has_more_of_it_in_time(seed: int) -> None:
    line: dict[str, Any] = {"loss": 0.30, "delay_s": 0.10, "jitter_s": 0.02, "seed": seed, **VIDEO}
    usual, persisting = (run(VIDEO_LOSS, **line, persists=persists) for persists in (False, True))

    assert persisting.receiver.late < 0.8 * usual.receiver.late
    assert persisting.sender.resent < 1.3 * usual.sender.resent


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("loss", "late", "resent"), [(0.10, 0.25, 2.5), (0.30, 0.25, 2.5)])
def test_who_is_told_of_a_short_round_trip_sends_again_what_may_be_lost_again(
    loss: float, late: float, resent: float, seed: int
) -> None:
    line: dict[str, Any] = {"loss": loss, "delay_s": 0.10, "jitter_s": 0.02, "seed": seed, "persists": True, **VIDEO}
    as_it_is, short = run(VIDEO_LOSS, **line), run(VIDEO_LOSS, **line, told_rtt_s=RTT_TOLD_S)

    assert short.receiver.late < late * as_it_is.receiver.late
    assert short.sender.resent < resent * as_it_is.sender.resent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_voice_is_repaired_within_half_a_second(seed: int) -> None:
    outcome = run(AUDIO_LOSS, loss=0.10, delay_s=0.05, jitter_s=0.01, seed=seed, **VOICE)

    assert outcome.residual <= 0.005
    assert not outcome.receiver.loss.key_frame_wanted


@pytest.mark.parametrize("seed", [1, 2])
def test_what_comes_out_is_what_went_in(seed: int) -> None:
    """Sorted by outgoing number the packets stand in their first order, and gaps are exactly what was never repaired."""
    outcome = run(VIDEO_LOSS, loss=0.30, delay_s=0.05, jitter_s=0.05, seed=seed, **VIDEO)
    delivered = outcome.receiver.delivered

    first_seq, first_serial = next(iter(delivered.items()))

    assert delivered == {(serial - first_serial + first_seq) & 0xFFFF: serial for serial in delivered.values()}


def test_report_tells_the_loss_of_the_line_not_of_the_repair() -> None:
    outcome = run(VIDEO_LOSS, loss=0.10, delay_s=0.05, jitter_s=0.0, seed=4, **VIDEO)

    expected, lost = outcome.receiver.reception.lost()

    assert lost / expected == pytest.approx(0.10, abs=0.02)


def test_a_dead_line_is_not_asked_for_ever() -> None:
    """Everything is lost from some moment on: requests end after max_tries, a key frame is wanted."""
    tracker = LossTracker(VIDEO_LOSS)
    for seq in (1, 2, 3, 10, 11):
        tracker.receive(seq, 0.0)

    asked = sum(len(tracker.due(tick * TICK_S)) for tick in range(1000))

    assert asked <= 2 * 6 * VIDEO_LOSS.max_tries
    assert tracker.key_frame_wanted
