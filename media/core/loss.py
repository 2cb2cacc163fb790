"""Loss of one up stream: what is missing, what to ask for again (NACK) and when to stop asking.

Every packet of the stream, first sent or retransmitted, passes `receive`, which gives it its extended number once and
only once. That makes this class also the gate against duplicates, on which seqmap.py relies (no number is ever sent
twice with GCM).

Cases for an arriving number n, highest so far h:
1. n = h+1: the common one, two additions.
2. n > h+1: h+1..n-1 become *missing*. More than `max_waiting` missing: the line was gone, it is not lossy; all are
   abandoned, a key frame is wanted, and what comes late out of that hole is refused (to remember each number would let
   a hostile sender make us work). The same if the line is known to have been dead (`line_returned`): a few slow seconds are no more than that, and to ask
   for each of them delays the key frame, without which none can be shown.
3. n <= h and missing: repaired.
4. n <= h and abandoned not longer than LATE_S ago, or shortly before the first packet of all: late but new; still forwarded.
5. n <= h otherwise: a duplicate, refused.

When a missing number is asked for: not before it is `reorder_s` late and REORDER_PACKETS newer ones are here (a packet
that was merely overtaken comes by itself within that; on a stream of few packets twice the time is enough), then again
each RTT and a quarter, at most `max_tries` times and for `max_age_s`; then it is abandoned. Each request goes twice, REPEAT_S apart:
it may be lost itself, which would cost a round trip, and a browser does not answer the second within a round trip of the first.
On a line that loses by chance (`persists`) it goes again each REPEAT_S for the same reasons: a browser answers each round trip *it* knows of. There it is
also asked for sooner: one needless repair costs less than a picture that waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from media.core.seqno import FIRST_CYCLE, SEQ_MASK, unwrap_seq

REORDER_S = 0.01  # overtaking on one path stays below this; Wi-Fi retries and 4G are learnt (`reorder_s` grows)
REORDER_MAX_S = 0.06  # more waiting than this costs more frames than needless NACKs cost bytes
REORDER_DECAY = 0.95  # per real loss
REORDER_PERSISTING_S = 0.02  # at most, where it persists
REORDER_PACKETS = 2
RTT_START_S = 0.1  # until measured
RTT_MIN_S = 0.01  # one tick of the worker's timer
RTT_MAX_S = 1.0
OVERTAKEN_S = 0.02  # later than what it was sent before: jitter, not two packets of a frame that changed places
REPEAT_S = 0.025  # a burst that takes both is longer than most
RETRY_RTT = 1.25  # the answer needs one RTT; a quarter for its jitter
RETURN_S = 1.0  # after a dead line's return: what is found missing then was sent while it was dead
LATE_S = 0.5  # a packet given up longer ago is of no use to a subscriber; only a recording may still want it
MAX_ABANDONED = 512  # memory of given-up numbers, for case 4
# The first packet to arrive may have overtaken earlier ones of the same key frame: so many are still taken.
START_SLACK = 32


@dataclass(frozen=True, slots=True)
class LossPolicy:
    """How long and how often one stream's packets are asked for again."""

    max_age_s: float
    max_tries: int
    max_waiting: int  # missing at once
    key_frames: bool  # a given-up packet costs the picture until the next key frame


VIDEO_LOSS = LossPolicy(max_age_s=1.5, max_tries=10, max_waiting=256, key_frames=True)
# Half a second is past the reach of a browser's jitter buffer: no ear would hear a later repair.
AUDIO_LOSS = LossPolicy(max_age_s=0.5, max_tries=5, max_waiting=64, key_frames=False)


class _Missing:
    """One missing packet: since when, and when it was asked for."""

    __slots__ = ("asked_at", "repeated", "repeated_at", "since", "tries")

    def __init__(self, since: float) -> None:
        self.since = since
        self.asked_at = 0.0
        self.tries = 0
        self.repeated = False  # the last request
        self.repeated_at = 0.0


class LossTracker:
    """See the module.

    Counters: `repaired` (came after being asked for), `overtaken` (came by itself, by OVERTAKEN_S too late), `abandoned`, `asked` (numbers in NACKs), `duplicates`.
    """

    __slots__ = (
        "_abandoned",
        "_missing",
        "_next",
        "_policy",
        "_returned_at",
        "abandoned",
        "asked",
        "duplicates",
        "highest",
        "key_frame_wanted",
        "overtaken",
        "persists",
        "reorder_s",
        "repaired",
        "rtt_s",
    )

    def __init__(self, policy: LossPolicy, rtt_s: float = RTT_START_S) -> None:
        self._policy = policy
        self._returned_at = -inf
        self._next = -1  # 16 bit; -1 before the first packet
        self._missing: dict[int, _Missing] = {}  # extended number -> entry, in rising order
        self._abandoned: dict[int, float] = {}  # extended number -> until when it is still forwarded
        self.highest = -1  # extended
        self.reorder_s = REORDER_S
        self.rtt_s = rtt_s
        self.persists = False
        self.key_frame_wanted = False  # set here, cleared by the caller when it has asked for one
        self.repaired = self.overtaken = self.abandoned = self.asked = self.duplicates = 0

    @property
    def waiting(self) -> int:
        """How many numbers are missing and not given up."""
        return len(self._missing)

    def receive(self, seq: int, now: float) -> int:
        """The packet's extended sequence number, or -1 if it was here before (drop it)."""
        if seq == self._next:
            self._next = (seq + 1) & SEQ_MASK
            self.highest += 1
            return self.highest
        return self._receive_out_of_order(seq, now)

    def due(self, now: float) -> list[int]:
        """Sequence numbers (16 bit) to ask for now. Abandons what is too old, which may set `key_frame_wanted`."""
        ask: list[int] = []
        given_up: list[int] = []
        retry_s = max(RTT_MIN_S, min(self.rtt_s, RTT_MAX_S)) * RETRY_RTT
        for ext, entry in self._missing.items():
            if now - entry.since > self._policy.max_age_s or (
                entry.tries >= self._policy.max_tries and now - entry.asked_at >= retry_s
            ):
                given_up.append(ext)
            elif self._is_due(ext, entry, retry_s, now):
                entry.tries += 1
                entry.asked_at = entry.repeated_at = now
                entry.repeated = False
                ask.append(ext & SEQ_MASK)
            elif entry.tries and (self.persists or not entry.repeated) and now - entry.repeated_at >= REPEAT_S:
                entry.repeated = True
                entry.repeated_at = now
                ask.append(ext & SEQ_MASK)
        if given_up:
            self._give_up(given_up, now)
        self.asked += len(ask)
        return ask

    def measure_rtt(self, sample_s: float) -> None:
        """Take one round trip time into the average: from receiver reports, which stand for the same line.

        Not from repairs: those that come late are overtaken by the retry or the original, so their mean is far too short.
        """
        sample_s = max(0.0, min(sample_s, RTT_MAX_S))
        self.rtt_s += (sample_s - self.rtt_s) / 8

    def _is_due(self, ext: int, entry: _Missing, retry_s: float, now: float) -> bool:
        if entry.tries:
            return now - entry.asked_at >= retry_s
        late_s = now - entry.since
        if self.persists:
            return late_s >= min(self.reorder_s, REORDER_PERSISTING_S)
        return late_s >= self.reorder_s and (self.highest - ext >= REORDER_PACKETS or late_s >= 2 * self.reorder_s)

    def _receive_out_of_order(self, seq: int, now: float) -> int:
        if self._next < 0:
            self.highest = FIRST_CYCLE + seq
            self._next = (seq + 1) & SEQ_MASK
            self._abandoned = dict.fromkeys(range(self.highest - START_SLACK, self.highest), inf)
            return self.highest
        ext = unwrap_seq(seq, self.highest)
        if ext > self.highest:
            self._open_gap(ext, now)
            return ext
        return self._fill_gap(ext, now)

    def waits_for(self, seq: int) -> bool:
        """Whether this number (16 bit) is missing and not given up."""
        return unwrap_seq(seq, self.highest) in self._missing

    def line_returned(self, now: float) -> None:
        """Nothing came of it for seconds, and now something does."""
        self._returned_at = now
        self._give_up(list(self._missing), now)

    def _open_gap(self, ext: int, now: float) -> None:
        self.note_gap(self.highest + 1, ext, now)
        self.highest = ext
        self._next = (ext + 1) & SEQ_MASK

    def note_gap(self, first: int, end: int, now: float) -> None:
        """The extended numbers from `first` on, without `end`, did not come before `end` (case 2)."""
        gap = end - first
        dead = now - self._returned_at < RETURN_S
        if dead or gap + len(self._missing) > self._policy.max_waiting:
            self._returned_at = -inf
            self._give_up(list(self._missing), now)
            self._count_abandoned(gap)
        else:
            for missing in range(first, end):
                self._missing[missing] = _Missing(now)

    def _fill_gap(self, ext: int, now: float) -> int:
        entry = self._missing.pop(ext, None)
        if entry is not None:
            self._learn(entry, now)
            return ext
        if self._abandoned.pop(ext, -inf) >= now:
            return ext
        self.duplicates += 1
        return -1

    def _learn(self, entry: _Missing, now: float) -> None:
        """Sooner than an answer can be here, it was only overtaken: wait that long next time. Else it was a real loss."""
        if entry.tries == 0 or now - entry.asked_at < self.rtt_s / 2:
            # Where it is asked for again and again, what comes soon after a request may be the answer to one before.
            self.overtaken += now - entry.since >= OVERTAKEN_S and not (entry.tries and self.persists)
            late_s = (now - entry.since) * RETRY_RTT
            self.reorder_s = min(max(late_s, self.reorder_s), REORDER_MAX_S)
            return
        self.repaired += 1
        self.reorder_s = max(REORDER_S, self.reorder_s * REORDER_DECAY)

    def _give_up(self, numbers: list[int], now: float) -> None:
        for ext in numbers:
            del self._missing[ext]
            self._abandoned[ext] = now + LATE_S
        while len(self._abandoned) > MAX_ABANDONED:
            del self._abandoned[next(iter(self._abandoned))]
        self._count_abandoned(len(numbers))

    def _count_abandoned(self, count: int) -> None:
        self.abandoned += count
        if count and self._policy.key_frames:
            self.key_frame_wanted = True
