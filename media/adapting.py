"""What one subscriber is sent: his line's estimate and the layer of each of his pictures, looked at twice a second.

Decides nothing by itself: core/bandwidth.py says how much, core/layers.py says what of it, the room does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from media.core.bandwidth import ARRIVED_S, DownlinkEstimate, Rate
from media.core.granting import Share
from media.core.layers import PAUSED, Picture, allot, next_step_bps
from media.core.repairs import Repairs
from media.forward.path import DownStream, UpStream

LOOK_EVERY_S: Final = 0.5
# A layer that brings nothing for so long is not sent any more (the publisher's line is too narrow for it).
LAYER_GONE_S: Final = 1.0
RESTART_FULL_S: Final = 3.0
# Pictures that get less than the first leave no room for a voice twice; with the second there is again.
TIGHT_BPS: Final = (100_000, 150_000)


MEASURE_EVERY_S: Final = 40.0  # sooner than what was measured ends to count (core/bandwidth.py)


@dataclass(frozen=True, slots=True)
class Offered:
    """A picture in one of his slots: the layers that have begun, from small to large."""

    down: DownStream
    layers: Sequence[UpStream]
    sharp: bool
    spoke_at: float = float("-inf")


def is_alive(up: UpStream, now: float) -> bool:
    """Whether it comes."""
    return now - up.last_at < LAYER_GONE_S


def is_to_be_had(up: UpStream, now: float) -> bool:
    """Whether it comes, or will as soon as it is wanted."""
    return is_alive(up, now) or now < up.counts_until


@dataclass(frozen=True, slots=True)
class Reported:
    """One of his streams at a receiver report about it."""

    at: float
    packets: int
    octets: int
    bps: int  # that arrived since the report before


class Adapting:
    """See the module."""

    def __init__(self, now: float) -> None:
        self.estimate = DownlinkEstimate(now)
        self.share = Share(now)
        self.granted_bps: int | None = None  # what his own browser may send; None: the usual
        self.small = False  # whether the smallest layer of his own face shall be smaller still
        self._tight = False
        self._repairs = Repairs(now)
        self._restarted_at = float("-inf")
        self._reported: dict[int, Reported] = {}  # by our SSRC
        self._sent = Rate()
        self._look_at = now
        self.measure: Callable[[float], None] = _unmeasured  # measures his line; the answer comes by `note_width`
        self._measure_at = float("inf")
        self._paused: set[int] = set()  # our SSRCs
        self._tops: dict[int, UpStream] = {}  # our SSRC -> the layer chosen

    def is_due(self, now: float) -> bool:
        if now < self._look_at:
            return False
        self._look_at = max(self._look_at, now - LOOK_EVERY_S / 2) + LOOK_EVERY_S  # steady, however coarse the timer
        return True

    def note_report(self, down: DownStream, expected: int, lost: int, rtt_s: float | None, now: float) -> None:
        """His receiver report about one stream: so many packets more were due, so many of them did not come."""
        if rtt_s is not None:
            self.estimate.note_rtt(rtt_s, now)
        if down.kind != "video":
            return
        before = self._reported.get(down.ssrc)
        bps = 0
        if before is not None and now > before.at and down.packets > before.packets:
            octets = (down.octets - before.octets) / (down.packets - before.packets)
            bps = int((expected - lost) * octets * 8 / (now - before.at))
        self._reported[down.ssrc] = Reported(now, down.packets, down.octets, bps)
        if before is not None:
            arrived = sum(each.bps for each in self._reported.values() if now - each.at <= ARRIVED_S)
            self.estimate.note_arrived(arrived, now)

    def worth_repairing(self, down: DownStream, seqs: Sequence[int], rtt_s: float, now: float) -> Sequence[int]:
        """What of his NACK shall be sent again."""
        full = self.estimate.is_full(now)
        return self._repairs.worth(down.ssrc, seqs, rtt_s, self.estimate.budget_bps(now) if full else None, now)

    def note_width(self, bps: int | None, now: float) -> None:
        """What his line was measured to carry beside what it carried then; None: enough. First before the first picture."""
        if bps is None:
            self._measure_at = float("inf")
            self.estimate.note_wide()
            return
        if self._measure_at == float("inf"):
            self.estimate.note_width(bps, now)
            self._tops, self._look_at = {}, now  # what was chosen before is not begun
        self.estimate.stays_narrow(now)
        self._measure_at = now + MEASURE_EVERY_S

    def _measure_again(self, now: float) -> None:
        """Whether a line that was narrow is so still: to send more and see would fill it."""
        if now >= self._measure_at:
            self._measure_at = now + MEASURE_EVERY_S
            self.estimate.note_measuring(now)
            self.measure(now)

    def is_tight(self, now: float) -> bool:
        """Whether his line carries hardly more than a voice."""
        least = TIGHT_BPS[1 if self._tight else 0]
        self._tight = self.estimate.is_scarce(now) and self.estimate.budget_bps(now) < least
        return self._tight

    def may_restart(self, now: float) -> bool:
        """Whether a key frame may be asked for in place of what he will never get: not each time, while it would fill his line."""
        if now - self._restarted_at < (RESTART_FULL_S if self.estimate.is_full(now) else 0.0):
            return False
        self._restarted_at = now
        return True

    def look(self, downs: Sequence[DownStream], pictures: Sequence[Offered], now: float) -> None:
        """Measure what was sent to him, and choose anew."""
        self._measure_again(now)
        for down in downs:
            before = self._reported.get(down.ssrc)
            if before is not None and before.packets == down.packets:  # rests: its next report is about what comes then
                self._reported[down.ssrc] = Reported(now, down.packets, down.octets, 0)
        self._sent.note(sum(down.octets for down in downs if down.kind == "video"), now)
        self.estimate.note_sent(self._sent.bps, now)
        alive = [(offered, [up for up in offered.layers if is_to_be_had(up, now)]) for offered in pictures]
        alive = [(offered, layers) for offered, layers in alive if layers]
        asked = [_picture(offered, layers) for offered, layers in alive]
        chosen = self._choose(asked, now)
        self._paused = {offered.down.ssrc for (offered, _), at in zip(alive, chosen, strict=True) if at == PAUSED}
        self._tops = {
            offered.down.ssrc: layers[at] for (offered, layers), at in zip(alive, chosen, strict=True) if at != PAUSED
        }

    def _choose(self, pictures: Sequence[Picture], now: float) -> list[int]:
        budget = self.estimate.budget_bps(now)
        scarce = self.estimate.is_scarce(now)
        self.share.note(budget, len(pictures), scarce, now, measured=self.estimate.is_measured(now))
        chosen = allot(budget, pictures, scarce=scarce, stuck=self.estimate.is_stuck(now))
        needed = next_step_bps(pictures, chosen)
        if needed is not None and needed > budget and self.estimate.may_try(needed, now):
            self.estimate.begin_trial(needed, now)
            return allot(needed, pictures, scarce=scarce)
        return chosen

    def pick(self, down: DownStream, layers: Sequence[UpStream], now: float) -> UpStream | None:
        """What to send into `down` now; None: nothing."""
        undecided = down.ssrc not in self._tops and self.estimate.is_measured(now)
        if not layers or down.ssrc in self._paused or undecided:
            return None
        there = [up for up in layers if is_alive(up, now)]
        chosen = self._tops.get(down.ssrc)
        if chosen is not None and chosen in layers and is_to_be_had(chosen, now):
            return chosen
        if down.up is None or down.up not in layers:
            return there[0] if there else layers[-1]  # what comes, not what rests: he has nothing yet
        # The layer he has ended, or nothing is decided yet: the next smaller one.
        smaller = [up for up in layers[: layers.index(down.up) + 1] if up in there]
        return smaller[-1] if smaller else there[0] if there else down.up


def _unmeasured(now: float) -> None:
    """Before there is a line."""


def _picture(offered: Offered, layers: Sequence[UpStream]) -> Picture:
    """A layer may bring less for a moment than the one below it: it is still not cheaper to promise."""
    rates: list[int] = []
    for up in layers:
        rates.append(max([up.rate.bps, *rates[-1:]]))
    shown = next((at for at, up in enumerate(layers) if up is offered.down.up), PAUSED)
    return Picture(tuple(rates), shown, offered.sharp, offered.spoke_at)
