"""One who watches faces in two layers over a line with a short queue, packet by packet in virtual time.

His browser is libwebrtc's in short: it asks again each NACK_S for what it misses, however long the queue is; its belief falls to 0.85 of
the pictures that come when their delay grows, repairs left out, and rises by a few kbit/s a second near where it fell.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from media.adapting import LOOK_EVERY_S, Adapting, Offered
from media.forward.self_test import Notes, Wire, wired_python

TICK_S = 0.01
PACKET_BITS = 9_600
FRAMES_PER_S = 15
KEY_FRAME = 4  # times an ordinary one
KEY_WAIT_S = 0.3
NACK_S, NACKS = 0.1, 10
LEAST_BPS = 5_000
RTX = -1


@dataclass(slots=True)
class Packet:
    ssrc: int  # RTX: of a repair; 0: of a voice
    seq: int
    bits: int
    repairs: tuple[int, int] = (0, 0)


@dataclass
class Believer:
    """What the browser says of its line."""

    belief: float = 800_000
    ceiling: float = 1e9
    _came: deque[tuple[float, int]] = field(default_factory=deque)
    _delay: float = 0.0

    def hear(self, bits: int, delay_s: float, now: float) -> None:
        self._came.append((now, bits))
        while now - self._came[0][0] > 0.5:
            self._came.popleft()
        got = sum(bits for _, bits in self._came) / 0.5
        grows, self._delay = delay_s > max(0.06, self._delay + 0.002), delay_s
        if grows and got * 0.85 < self.belief:
            self.belief, self.ceiling = max(LEAST_BPS, got * 0.85), got
        elif delay_s < 0.06:
            step = 4_000 if self.belief > 0.7 * self.ceiling else 0.08 * self.belief
            self.belief = max(self.belief, min(self.belief + step * TICK_S, 1.5 * got + 10_000))


@dataclass
class Crowd:
    """See the module. `frames`: packets of each picture that came while nothing before them was missing."""

    faces: int = 2
    rates: tuple[int, int] = (150_000, 400_000)
    width_bps: float = 20_000_000
    queue_s: float = 0.5
    voices_bps: float = 80_000
    now: float = 100.0

    def __post_init__(self) -> None:
        path, _ = wired_python(Wire(), Notes(), Counter[str]())
        lane = path.new_lane(Notes(), 1, 0.0)
        self.adapting = Adapting(self.now)
        self.voice = path.new_down(lane, "audio", 48000, 1, 0, 0)
        self.pictures: list[Offered] = []
        for n in range(self.faces):
            ups = [path.new_up(10 * n + at, lane, "video", "VP8", 90000, 10 * n + at, nack=True) for at in (1, 2)]
            for up, rate in zip(ups, self.rates, strict=True):
                up.rate.bps = rate
            self.pictures.append(Offered(path.new_down(lane, "video", 90000, 10 * n + 5, 0, 0), ups, False))
        self.browser = Believer()
        self.sent: dict[tuple[int, int], int] = {}  # all that was sent and could be asked for again
        self.repairs = self.dropped = 0
        self.frames = [0] * self.faces
        self.delays: list[float] = []
        self._free_at = 0.0
        self._queue: deque[tuple[float, Packet]] = deque()
        self._tick = 0
        self._seq = dict.fromkeys((offered.down.ssrc for offered in self.pictures), 0)
        self._highest = dict(self._seq)
        self._told: dict[int, tuple[int, int]] = {}
        self._lost = dict(self._seq)
        self._missing: dict[tuple[int, int], tuple[float, int]] = {}
        self._key_at: dict[int, float] = {}
        self._key_seq: dict[int, int] = {}

    def watch(self, seconds: float) -> list[int]:
        """So much later; returns the frames of each picture that his browser could show meanwhile."""
        before = list(self.frames)
        for _ in range(int(seconds / TICK_S)):
            self._step()
        return [now - then for now, then in zip(self.frames, before, strict=True)]

    def layers(self) -> list[int | None]:
        return [self._at(offered) for offered in self.pictures]

    def _at(self, offered: Offered) -> int | None:
        return offered.layers.index(offered.down.up) if offered.down.up in offered.layers else None

    def _step(self) -> None:
        self.now += TICK_S
        self._tick += 1
        if self._tick % int(LOOK_EVERY_S / TICK_S) == 0:
            self._look()
        for offered in self.pictures:
            self._send_picture(offered)
        if self._tick % 2 == 0:
            self._put(Packet(0, 0, int(self.voices_bps * 2 * TICK_S)))
        self._take()
        self._ask_again()
        if self._tick % 20 == 0:
            self.adapting.estimate.note_belief(int(self.browser.belief), self.now)
        if self._tick % 100 == 0:
            self._report()
        if self._tick % 500 == 0:
            self.adapting.note_report(self.voice, 250, 0, self._rtt_s(), self.now)

    def _look(self) -> None:
        for offered in self.pictures:
            for up in offered.layers:
                up.last_at = self.now
        self.adapting.look([offered.down for offered in self.pictures], self.pictures, self.now)
        for offered in self.pictures:
            wanted = self.adapting.pick(offered.down, offered.layers, self.now)
            if wanted is None:
                offered.down.up = offered.down.next_up = None
            elif wanted is not (offered.down.next_up or offered.down.up):
                offered.down.next_up = wanted
                self._key_at[offered.down.ssrc] = self.now + KEY_WAIT_S

    def _send_picture(self, offered: Offered) -> None:
        down = offered.down
        if self._tick % (int(1 / TICK_S) // FRAMES_PER_S):
            return
        key = down.next_up is not None and self.now >= self._key_at[down.ssrc]
        if key:
            down.up, down.next_up = down.next_up, None
        if down.up is None:
            return
        bits = down.up.rate.bps // FRAMES_PER_S * (KEY_FRAME if key else 1)
        first = True
        while bits > 0:
            self._seq[down.ssrc] += 1
            packet = Packet(down.ssrc, self._seq[down.ssrc], min(bits, PACKET_BITS))
            if key and first:
                self._key_seq[down.ssrc] = packet.seq
            first = False
            self.sent[down.ssrc, packet.seq] = packet.bits
            down.packets += 1
            down.octets += packet.bits // 8
            bits -= PACKET_BITS
            self._put(packet)

    def _put(self, packet: Packet) -> None:
        begins = max(self.now, self._free_at)
        if begins - self.now > self.queue_s:
            self.dropped += 1
            return
        self._free_at = begins + (packet.bits + 400) / self.width_bps
        self._queue.append((self._free_at, packet))

    def _take(self) -> None:
        came = 0
        while self._queue and self._queue[0][0] <= self.now:
            _, packet = self._queue.popleft()
            if packet.ssrc > 0:
                came += packet.bits
                self._arrived(packet)
            elif packet.ssrc == RTX:
                self._missing.pop(packet.repairs, None)
        delay = max(0.0, self._free_at - self.now)
        self.delays.append(delay)
        self.browser.hear(came, delay, self.now)

    def _arrived(self, packet: Packet) -> None:
        highest = self._highest[packet.ssrc]
        for seq in range(highest + 1, packet.seq):
            self._missing[packet.ssrc, seq] = (self.now, 0)
            self._lost[packet.ssrc] += 1
        self._highest[packet.ssrc] = max(highest, packet.seq)
        key = self._key_seq.get(packet.ssrc, 0)
        whole = not any(ssrc == packet.ssrc and seq >= key for ssrc, seq in self._missing)
        at = next(n for n, offered in enumerate(self.pictures) if offered.down.ssrc == packet.ssrc)
        self.frames[at] += whole

    def _ask_again(self) -> None:
        for (ssrc, seq), (due, tries) in list(self._missing.items()):
            if self.now < due:
                continue
            if tries >= NACKS:
                del self._missing[ssrc, seq]
                continue
            self._missing[ssrc, seq] = (self.now + NACK_S, tries + 1)
            offered = next(each for each in self.pictures if each.down.ssrc == ssrc)
            if offered.down.up is None:
                continue
            rtt_s = 0.1 + max(0.0, self._free_at - self.now)
            for again in self.adapting.worth_repairing(offered.down, [seq], rtt_s, self.now):
                self.repairs += 1
                self._put(Packet(RTX, 0, self.sent[ssrc, again] + 100, (ssrc, again)))

    def _rtt_s(self) -> float:
        return 0.02 + max(0.0, self._free_at - self.now)

    def _report(self) -> None:
        rtt_s = self._rtt_s()
        expected = lost = 0
        for offered in self.pictures:
            ssrc = offered.down.ssrc
            highest, gone = self._told.get(ssrc, (0, 0))
            self._told[ssrc] = (self._highest[ssrc], self._lost[ssrc])
            if self._highest[ssrc] > highest:
                told = (self._highest[ssrc] - highest, self._lost[ssrc] - gone)
                expected, lost = expected + told[0], lost + told[1]
                self.adapting.note_report(offered.down, *told, rtt_s, self.now)
        if expected >= 20:
            self.adapting.estimate.note_loss(lost / expected, self.now)
