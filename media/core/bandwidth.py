"""How much picture one subscriber's line can take, from what his browser tells us and what we send. Pure: tests bring the clock.

The browser measures the delay of our packets by abs-send-time and says what it believes in (REMB: delay based, AIMD); its receiver
reports say what is lost. Its belief never exceeds one and a half times what it gets, so more is learnt only by sending more:

    calm        what we send is *proven*: nothing is taken away that flows without a sign of trouble
    trouble     the belief falls, or a tenth is lost: proven is forgotten, the budget is the belief (bound by loss). A small fall has
                PATIENCE_S to mend: a browser that was busy for a moment takes that for a full line
    trial       after a calm while, one step more for TRIAL_S. It fails by trouble, or when a belief below what is sent does not rise
                by then; the next one waits twice as long

Source: draft-ietf-rmcat-gcc-02 §5.5 (AIMD, the bound of 1.5), §6 (loss: 2 and 10 %), draft-alvestrand-rmcat-remb-03.
"""

from __future__ import annotations

from typing import Final

# Before anything is known: two small faces, or one large one.
START_BPS: Final = 600_000
FALL: Final = 0.97  # a belief below so much of the one before is a fall
LOSS_LOW: Final = 0.02
LOSS_HIGH: Final = 0.10
LOSS_GROWTH: Final = 1.08  # a second, while next to nothing is lost
# Loss alone never takes the smallest picture away: on a line that loses by nature it would not come back.
LOSS_FLOOR_BPS: Final = 150_000
TRIAL_S: Final = 3.0
# In a trial that the line bears, a belief rises by 8 % a second. One that stands still stands against a wall.
VERDICT_S: Final = 1.5
RISE: Final = 1.03
TRY_AFTER_S: Final = 4.0
TRY_AT_LATEST_S: Final = 60.0
# So long the browser needs to tell of trouble: what was sent without a word of it is proven.
CALM_S: Final = 3.0
PATIENCE_S: Final = 1.5
# So long after trouble pictures may be paused; later a smallest layer is no more than a trial.
SCARCE_S: Final = 20.0
MENDED: Final = 0.85  # a belief of so much of what is sent is all that AIMD can give then
DEEP: Final = 0.6  # a belief below so much of what is sent is no small fall


class DownlinkEstimate:
    """See the module. All rates in bit/s of video payload: that is what a REMB counts."""

    __slots__ = (
        "_believed",
        "_believed_before",
        "_believed_low",
        "_calm_from",
        "_granted",
        "_loss_limit",
        "_lossless_at",
        "_proven",
        "_proven_until",
        "_sent",
        "_trial_ends",
        "_trouble_at",
        "_try_after_s",
    )

    def __init__(self, now: float) -> None:
        self._believed = 0  # the last REMB; 0 = none yet
        self._loss_limit = float("inf")
        self._lossless_at = now
        self._sent = 0
        self._proven = 0
        self._proven_until = float("inf")
        self._calm_from = now
        self._trouble_at = float("-inf")
        self._granted = 0
        self._trial_ends = now
        self._believed_before = self._believed_low = 0
        self._try_after_s = TRY_AFTER_S

    def budget_bps(self, now: float) -> int:
        """What may be sent to him as picture in all."""
        believed = self._believed or START_BPS
        granted = self._granted if now < self._trial_ends else 0
        proven = self._proven if now < self._proven_until else 0
        return int(max(min(believed, self._loss_limit), proven, granted))

    def note_sent(self, bps: int, now: float) -> None:
        """What went out over the last window."""
        self._sent = bps
        if now >= self._proven_until:
            self._proven, self._proven_until = 0, float("inf")
            if self._believed < bps * MENDED:
                self._trouble_at = now
        if self._granted:
            self._judge_trial(now)
        elif now - self._calm_from >= CALM_S:
            self._proven = max(self._proven, bps)

    def _judge_trial(self, now: float) -> None:
        stands_still = self._believed < min(self._sent, self._believed_before * RISE)
        if self._believed and stands_still and now >= self._trial_ends - TRIAL_S + VERDICT_S:
            self._trouble(now, now)
        elif now >= self._trial_ends:
            self._proven = max(self._proven, self._sent)
            self._granted, self._try_after_s = 0, TRY_AFTER_S

    def note_belief(self, bps: int, now: float) -> None:
        """A REMB of his."""
        fell = bps < self._believed * FALL
        if not self._believed:  # the first one says no more than what came so far
            self._proven = max(self._proven, self._sent)
        self._believed = bps
        if fell:
            small = bps >= self._sent * DEEP and not self._granted
            self._trouble(now + PATIENCE_S if small else now, now)

    def note_loss(self, share: float, now: float) -> None:
        """A receiver report: so much of what we sent was lost, as a share of 1."""
        if share >= LOSS_HIGH:
            self._loss_limit = max(LOSS_FLOOR_BPS, self._sent * (1 - share / 2))
            self._trouble(now, now)
        elif share <= LOSS_LOW:
            self._loss_limit *= LOSS_GROWTH ** min(1.0, now - self._lossless_at)
            if self._loss_limit > 4 * max(self._sent, START_BPS):
                self._loss_limit = float("inf")
        self._lossless_at = now

    def is_scarce(self, now: float) -> bool:
        """Whether the line was full lately. Without that nobody is denied a picture: a budget that is only unknown denies nothing."""
        return now - self._trouble_at < SCARCE_S

    def may_try(self, now: float) -> bool:
        """Whether it is time for a trial."""
        # A belief that has not risen since: the queue still empties. But it cannot rise while next to nothing is sent.
        risen = self._believed > self._believed_low * RISE or self._sent < self._believed / 2 or not self._believed
        return risen and not self._granted and now - self._calm_from >= self._try_after_s

    def begin_trial(self, bps: int, now: float) -> None:
        """Let so much be sent for a while and see."""
        self._granted, self._trial_ends = bps, now + TRIAL_S
        self._believed_before = self._believed

    def _trouble(self, until: float, now: float) -> None:
        """until  when what was proven ends to count."""
        self._proven_until = min(self._proven_until, until)
        self._calm_from = now
        if until <= now and not self._granted:  # a failed trial says that more does not fit, not that this does not
            self._trouble_at = now
        self._believed_low = self._believed
        if self._granted:
            self._granted = 0
            self._try_after_s = min(TRY_AT_LATEST_S, 2 * self._try_after_s)


class Rate:
    """Bit/s of a stream, from its octets."""

    __slots__ = ("_at", "_octets", "bps")

    def __init__(self) -> None:
        self._at = -1.0
        self._octets = 0
        self.bps = 0

    def note(self, octets: int, now: float) -> None:
        """So many octets since the beginning. The first call gives no rate yet; then half of it is the new window."""
        if self._at >= 0 and now > self._at:
            fresh = max(0, octets - self._octets) * 8 / (now - self._at)
            self.bps = int(fresh if not self.bps or not fresh else (self.bps + fresh) / 2)
        self._octets, self._at = octets, now

    def skip(self, octets: int, now: float) -> None:
        """The stream rests: its rate stays what it was."""
        self._octets, self._at = octets, now
