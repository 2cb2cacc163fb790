"""One outgoing line of sequence numbers and timestamps, fed by changing sources.

A slot of a subscriber has one ssrc for its whole life, but shows one person now, another later, with pauses between.
The browser must see a single stream: no gap in sequence numbers where we left packets out on purpose, gaps exactly
where packets are really lost (so that it asks for them), timestamps that run on with the clock, and no number ever used
for two packets (with AES-GCM that would give away the key stream, RFC 7714 §8.1: nonce = ssrc, rollover counter,
sequence number).

A *segment* is a run of one source's packets mapped by one offset:  out = in + delta.  Cases:

1. in > highest: the next packet of the open segment, a gap included. Two additions.
2. no open segment (start, after `cut`): the packet opens one at (last out + 1), its timestamp at the place where the
   clock stands.
3. in < highest but inside the open or a closed segment: late or retransmitted; mapped by that segment's own delta.
4. anything else belongs to what was left out on purpose: not sent.

Two segments never overlap on the outgoing side, and inside a segment the map adds a constant. Hence it is injective, as
long as each (source, number) is offered once, which LossTracker.receive sees to.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.core.seqno import SEQ_MASK, TS_MASK, unwrap_seq

NOTHING = -1  # not sent
_CLOSED = 1 << 62  # above every extended number: case 1 never holds while no segment is open
SEGMENTS_KEPT = 16
LATE_MAX = 1 << 13  # further behind, SRTP could take the number for one of the next cycle


@dataclass(slots=True)
class _Segment:
    source: int
    first: int  # extended numbers of the source
    last: int
    seq_delta: int
    ts_delta: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an outgoing number came from: the source's extended number, and what to add to its timestamp."""

    source: int
    ext: int
    ts_delta: int


class SeqMap:
    """See the module. `source` is any small integer of the caller's (the up stream's handle).

    The hot path may inline case 1 of `forward`:

        if ext > m.highest:
            m.highest = ext; m.last_ts = ts; m.last_now = now
            out_seq, out_ts = ext + m.seq_delta & 0xFFFF, ts + m.ts_delta & 0xFFFFFFFF
        else:
            packed = m.forward_slow(ext, ts, now)
    """

    __slots__ = (
        "_clock_rate",
        "_closed",
        "_first",
        "_next_out",
        "_step",
        "highest",
        "last_now",
        "last_ts",
        "seq_delta",
        "source",
        "ts_delta",
    )

    def __init__(self, clock_rate: int, first_seq: int, first_ts: int, min_step_s: float = 0.0) -> None:
        """first_seq, first_ts  where the outgoing line starts (random, given by the caller).
        min_step_s  least distance of timestamps over a switch: one frame for video, 0 for audio (then one tick).
        """
        self._clock_rate = clock_rate
        self._step = max(1, int(min_step_s * clock_rate))
        self._closed: list[_Segment] = []
        self._next_out = (1 << 16) + first_seq  # extended
        self._first = 0
        self.source = NOTHING
        self.highest = _CLOSED
        self.seq_delta = 0
        self.ts_delta = first_ts
        self.last_ts = 0
        self.last_now = -1.0

    @property
    def open(self) -> bool:
        """Whether packets flow (a segment has begun and is not cut)."""
        return self.highest != _CLOSED

    def forward(self, ext: int, ts: int, now: float) -> int:
        """The outgoing (seq << 32 | ts) of one packet of the current source, or NOTHING. seq 16 bit, ts 32 bit."""
        if ext > self.highest:
            self.highest = ext
            self.last_ts = ts
            self.last_now = now
            return (ext + self.seq_delta & SEQ_MASK) << 32 | ts + self.ts_delta & TS_MASK
        return self.forward_slow(ext, ts, now)

    def forward_slow(self, ext: int, ts: int, now: float) -> int:
        """Cases 2 to 4. A packet that opens a segment: call `switch` first, then this."""
        if self.source == NOTHING:
            return NOTHING
        if not self.open:
            return self._begin(ext, ts, now)
        if ext >= self._first:
            return self._late(ext, self.seq_delta, ts + self.ts_delta)
        for segment in reversed(self._closed):
            if segment.source == self.source and segment.first <= ext <= segment.last:
                return self._late(ext, segment.seq_delta, ts + segment.ts_delta)
        return NOTHING

    def switch(self, source: int) -> None:
        """From now on packets of `source` are offered; the next one opens a segment."""
        self.cut()
        self.source = source

    def cut(self) -> None:
        """Packets are left out on purpose from here: pause, full queue, waiting for a key frame."""
        if not self.open:
            return
        self._closed.append(_Segment(self.source, self._first, self.highest, self.seq_delta, self.ts_delta))
        del self._closed[:-SEGMENTS_KEPT]
        self._next_out = self.highest + self.seq_delta + 1
        self.highest = _CLOSED

    def origin(self, out_seq: int) -> Origin | None:
        """Inverse, for a NACK: which packet went out under this number; None if none did or too long ago."""
        newest = self.highest + self.seq_delta if self.open else self._next_out - 1
        out = unwrap_seq(out_seq, newest)
        if out > newest or newest - out > LATE_MAX:
            return None
        if self.open and out - self.seq_delta >= self._first:
            return Origin(self.source, out - self.seq_delta, self.ts_delta)
        for segment in reversed(self._closed):
            if segment.first <= out - segment.seq_delta <= segment.last:
                return Origin(segment.source, out - segment.seq_delta, segment.ts_delta)
        return None

    def _begin(self, ext: int, ts: int, now: float) -> int:
        last = self._last_of(self.source)
        if ext <= last:  # left behind by the cut: below what has been sent of this source already
            return NOTHING
        out_ts = self._clock_place(now)
        self._first = self.highest = ext
        self.seq_delta = self._next_out - ext
        self.ts_delta = (out_ts - ts) & TS_MASK
        self.last_ts = ts
        self.last_now = now
        return (self._next_out & SEQ_MASK) << 32 | out_ts

    def _last_of(self, source: int) -> int:
        return max((segment.last for segment in self._closed if segment.source == source), default=-1)

    def _clock_place(self, now: float) -> int:
        """The outgoing timestamp for now: the last one sent, and the time since then, at least one step."""
        last = self.last_ts + self.ts_delta
        if self.last_now < 0:
            return last & TS_MASK
        return last + max(self._step, int((now - self.last_now) * self._clock_rate)) & TS_MASK

    def _late(self, ext: int, seq_delta: int, out_ts: int) -> int:
        newest = self.highest + self.seq_delta
        out = ext + seq_delta
        if newest - out > LATE_MAX:
            return NOTHING
        return (out & SEQ_MASK) << 32 | out_ts & TS_MASK
