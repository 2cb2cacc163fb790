"""How much picture one subscriber's line can take, from what his browser tells us and what we send. Pure: tests bring the clock.

The browser measures the delay of our packets by abs-send-time and says what it believes in (REMB: delay based, AIMD); its receiver
reports say what is lost. Its belief never exceeds one and a half times what it gets, so more is learnt only by sending more:

    calm        what we send is *proven*: nothing is taken away that flows without a sign of trouble
    trouble     the belief falls, or a tenth is lost: proven is forgotten, the budget is the belief (bound by loss). A small fall has
                PATIENCE_S to mend: a browser that was busy for a moment takes that for a full line
    trial       after a calm while, one step more for TRIAL_S. It fails by trouble, or when a belief below what is sent does not rise
                by then although not all that is sent arrives; the next one waits twice as long

A belief may err far: repairs and key frames in a full queue leave little of what it counts, it falls to a tenth of the line, and then
rises by a few kbit/s a second. So the receiver reports have a say: what was told to have arrived, the line carries (`note_arrived`).

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
KEY_FRAME_S: Final = 1.2
# What did not fit, or is so far above what came when the line was full, is not tried before WALL_S.
FAR_ABOVE: Final = 1.3
NEARLY: Final = 0.95
WALL_S: Final = 30.0  # twice as long by each trial that fails
WALL_AT_LATEST_S: Final = 480.0
DOUBT_S: Final = 120.0  # and so much later while his browser believes in less than he gets: it sees queues come and go
RISE: Final = 1.03
TRY_AFTER_S: Final = 4.0
TRY_AT_LATEST_S: Final = 60.0
REGRETTED_S: Final = 10.0  # trouble so soon after a trial that passed says that it should not have
# So long the browser needs to tell of trouble: what was sent without a word of it is proven.
CALM_S: Final = 3.0
PATIENCE_S: Final = 1.5
# So long after trouble pictures may be paused; later a smallest layer is no more than a trial.
SCARCE_S: Final = 20.0
MENDED: Final = 0.85  # a belief of so much of what is sent is all that AIMD can give then
DEEP: Final = 0.6  # a belief below so much of what is sent is no small fall
# Of what arrives so much fits: all but for AIMD's step back; less while a queue stands, or it would stand for ever.
FITS: Final = 0.85
FITS_QUEUED: Final = 0.7
ARRIVED_S: Final = 2.5  # so long a report holds; a browser makes one each second
REPORTED_S: Final = 90.0  # who has sent one will send more, as soon as a picture comes again
ALL_ARRIVES: Final = 0.9
QUEUED_S: Final = 0.2  # a round trip longer by this than the shortest: a queue stands
# The shortest round trip is forgotten slowly: a peer may have moved to a longer line.
BASE_GROWTH: Final = 1.01
BASE_MOST_S: Final = 0.6  # by satellite; a longer one has a queue in it from the beginning
RTT_HOLDS_S: Final = 8.0  # a browser reports about a voice each five seconds
FULL_S: Final = 1.5  # after a deep fall the line counts as full
LITTLE_BPS: Final = 30_000  # a picture that a page makes for a line that carries hardly more than a voice
VOICE_BPS: Final = 30_000  # of a voice that is said once, with all that is around it
WIDTH_USED: Final = 0.9
WIDTH_HOLDS_S: Final = 45.0  # then what arrives has shown more
# So long a picture that fits what was measured is not judged: its key frame, or the measuring, stands in the queue.
BEGINS_S: Final = 3.0
STUCK_S: Final = 3.0  # a queue that has not emptied by then does not empty by itself


class DownlinkEstimate:
    """See the module. All rates in bit/s of video payload: that is what a REMB counts."""

    __slots__ = (
        "_arrived",
        "_arrived_at",
        "_base_rtt_s",
        "_began_at",
        "_believed",
        "_believed_before",
        "_believed_low",
        "_calm_from",
        "_echo_until",
        "_fell_at",
        "_granted",
        "_loss_limit",
        "_lossless_at",
        "_lost",
        "_passed_at",
        "_proven",
        "_proven_until",
        "_queued_from",
        "_rtt_at",
        "_rtt_s",
        "_sent",
        "_silent_from",
        "_through",
        "_trial_ends",
        "_trouble_at",
        "_try_after_s",
        "_waited_s",
        "_wall",
        "_wall_s",
        "_wall_until",
        "_width",
        "_width_until",
    )

    def __init__(self, now: float) -> None:
        self._believed = 0  # the last REMB; 0 = none yet
        self._loss_limit = float("inf")
        self._lost = 0.0
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
        self._wall, self._wall_s, self._wall_until = 0, WALL_S, float("-inf")
        self._waited_s, self._passed_at = TRY_AFTER_S, float("-inf")
        self._fell_at = self._echo_until = float("-inf")
        self._arrived, self._arrived_at = 0, float("-inf")
        self._silent_from = now
        self._through = 0  # the most that came while a queue stood
        self._base_rtt_s = BASE_MOST_S
        self._rtt_s, self._rtt_at = 0.0, float("-inf")
        self._queued_from = float("inf")
        self._width, self._width_until, self._began_at = 0, float("-inf"), float("-inf")

    def note_width(self, line_bps: int, now: float) -> None:
        """His line was measured to be narrow before anything was sent: so much for all."""
        self._width = max(0, int(line_bps * WIDTH_USED) - VOICE_BPS)
        self._wall, self._through = self._width, int(self._width / FITS_QUEUED)
        self.stays_narrow(now)

    def stays_narrow(self, now: float) -> None:
        """It was measured again."""
        self._width_until = self._wall_until = now + WIDTH_HOLDS_S

    def note_measuring(self, now: float) -> None:
        """What measures it stands in its queue for a moment."""
        self._began_at = now

    def note_wide(self) -> None:
        """It is not narrow, or no more."""
        self._width_until = float("-inf")

    def is_measured(self, now: float) -> bool:
        """Whether his line was measured to be narrow."""
        return now < self._width_until

    def _begins(self, now: float) -> bool:
        return self.is_measured(now) and now - self._began_at < BEGINS_S

    def budget_bps(self, now: float) -> int:
        """What may be sent to him as picture in all."""
        unknown = START_BPS if self._queued_from > now else 0
        believed = max(self._believed or unknown, self._carried(now))
        if self.is_stuck(now) and now - self._arrived_at <= ARRIVED_S:
            return self._carried(now)
        granted = self._granted if now < self._trial_ends else 0
        proven = self._proven if now < self._proven_until and self._queued_from > now else 0
        if self.is_measured(now):
            believed = self._width if self._begins(now) else min(believed, self._width)
        return int(max(min(believed, self._loss_limit), proven, granted))

    def _carried(self, now: float) -> int:
        """What the line carries at least, by what arrived of late."""
        if now - self._arrived_at > ARRIVED_S:
            return 0
        return int(self._arrived * (FITS_QUEUED if self._queued_from <= now else FITS))

    def is_full(self, now: float) -> bool:
        """Whether more than it carries was sent just now: what is sent waits in a queue, or falls out of it."""
        # On a line that loses by nature a belief falls as well: there the round trip must agree.
        fell = now - self._fell_at < FULL_S and (self._lost < LOSS_LOW or self.waits(now))
        return fell or self._queued_from <= now

    def is_stuck(self, now: float) -> bool:
        """Whether a queue stands although something may have been given up for it."""
        return now - self._queued_from >= STUCK_S

    def note_rtt(self, rtt_s: float, now: float) -> None:
        """A round trip with its queues, by a receiver report about a picture or a voice."""
        self._rtt_s, self._rtt_at = rtt_s, now
        self._base_rtt_s = min(self._base_rtt_s * BASE_GROWTH, rtt_s, BASE_MOST_S)
        if not self.waits(now):  # nobody reports about a picture that was paused for the queue
            self._queued_from = float("inf")

    def waits(self, now: float) -> bool:
        """Whether the last round trip was long for this line."""
        return now - self._rtt_at <= RTT_HOLDS_S and self._rtt_s > self._base_rtt_s + QUEUED_S

    def note_arrived(self, bps: int, now: float) -> None:
        """So much of the pictures arrived over the last second, by his receiver reports."""
        self._arrived, self._arrived_at = bps, now
        # His own line up makes the round trip longer as well: it must be seen on the way down.
        suffers = now - self._fell_at < STUCK_S or self._lost >= LOSS_LOW or bps < self._sent * FITS
        queued = suffers and self.waits(now) and not self._begins(now)
        if queued and not self._granted:
            # All that comes through a full line is all that it carries.
            self._wall, self._wall_until = max(self._wall, int(bps * FAR_ABOVE)), now + self._wall_s
            self._through = max(self._through, bps)
        elif now >= self._wall_until + DOUBT_S:
            self._wall, self._wall_s, self._through = 0, WALL_S, 0
        self._queued_from = min(self._queued_from, now) if queued else float("inf")
        if self.is_stuck(now) or (queued and self._granted and now >= self._trial_ends - TRIAL_S + KEY_FRAME_S):
            self._trouble(now, now)

    def note_sent(self, bps: int, now: float) -> None:
        """What went out over the last window."""
        if bps and not self._sent:
            self._began_at = now
        if bps:
            self._silent_from = now
        self._sent = bps
        if now >= self._proven_until:
            self._proven, self._proven_until = 0, float("inf")
            if max(self._believed, self._carried(now)) < bps * MENDED:
                self._trouble_at = now
        if self._granted:
            self._judge_trial(now)
        elif now - self._calm_from >= CALM_S:
            self._proven = max(self._proven, min(bps, self._arrived) if now - self._arrived_at <= ARRIVED_S else bps)

    def _judge_trial(self, now: float) -> None:
        stands_still = self._believed < min(self._sent, self._believed_before * RISE) and not self._all_arrives(now)
        # Who sends reports has told of the trial by its end; who sends none need not be waited for.
        verdict_at = self._trial_ends if self._has_reports(now) else self._trial_ends - TRIAL_S + VERDICT_S
        if self._believed and stands_still and now >= verdict_at:
            self._trouble(now, now)
        elif now >= self._trial_ends:
            self._proven = max(self._proven, self._sent)
            self._passed_at, self._waited_s = now, self._try_after_s
            self._granted, self._try_after_s = 0, TRY_AFTER_S

    def _has_reports(self, now: float) -> bool:
        return now - self._arrived_at <= REPORTED_S

    def _all_arrives(self, now: float) -> bool:
        return (
            now - self._arrived_at <= ARRIVED_S
            and self._arrived >= self._sent * ALL_ARRIVES
            and self._queued_from > now
        )

    def note_belief(self, bps: int, now: float) -> None:
        """A REMB of his."""
        fell = bps < self._believed * FALL and not self._begins(now)
        if fell and bps < self._sent:
            self._fell_at = now
        # A trial begins with a key frame: the queue is its own, and the rate that the belief is made of is still that of before.
        if self._granted and now < self._trial_ends - TRIAL_S + KEY_FRAME_S and self._has_reports(now):
            fell = False
        if not self._believed:  # the first one says no more than what came so far
            self._proven = max(self._proven, self._sent)
        self._believed = bps
        if fell:
            small = (bps >= self._sent * DEEP or now < self._echo_until) and not self._granted
            self._trouble(now + PATIENCE_S if small else now, now)

    def note_loss(self, share: float, now: float) -> None:
        """A receiver report: so much of what we sent was lost, as a share of 1."""
        self._lost = share
        if share >= LOSS_HIGH:
            self._loss_limit = max(LOSS_FLOOR_BPS, self._sent * (1 - share / 2))
            if self.is_full(now) or self._believed < self._sent:
                self._trouble(now, now)
            else:  # it loses by nature, as its delay stays: less is sent, and nobody is denied a picture for it
                self._proven, self._calm_from = 0, now
        elif share <= LOSS_LOW:
            self._loss_limit *= LOSS_GROWTH ** min(1.0, now - self._lossless_at)
            if self._loss_limit > 4 * max(self._sent, START_BPS):
                self._loss_limit = float("inf")
        self._lossless_at = now

    def is_scarce(self, now: float) -> bool:
        """Whether the line was full lately. Without that nobody is denied a picture: a budget that is only unknown denies nothing."""
        lately = now - self._trouble_at < SCARCE_S or now < self._wall_until + (DOUBT_S if self._wall else 0)
        return lately or self.waits(now)

    def may_try(self, bps: int, now: float) -> bool:
        """Whether it is time for a trial of so much."""
        shown = self._through * FITS_QUEUED  # so much came when it was full
        if not self._sent and bps <= max(shown, LITTLE_BPS):
            calm_s = self._try_after_s if self.waits(now) else TRY_AFTER_S if bps > shown else 0.0
            return not self._granted and now - self._silent_from >= calm_s
        if self.waits(now):
            return False
        if bps >= self._wall * NEARLY and now < self._wall_until + self._more_patience_s(bps):
            return False
        # A belief that has not risen since: the queue still empties. But it cannot rise while next to nothing is sent.
        risen = self._believed > self._believed_low * RISE or self._sent < self._believed / 2 or not self._believed
        return risen and not self._granted and now - self._calm_from >= self._try_after_s

    def _more_patience_s(self, bps: int) -> float:
        """For a trial over the wall: a browser that believes in less than it gets sees queues; and the higher, the dearer."""
        if 0 < self._believed < self._sent:
            return DOUBT_S
        return self._wall_s * min(1.0, bps / self._wall - 1) if self._wall else 0.0

    def begin_trial(self, bps: int, now: float) -> None:
        """Let so much be sent for a while and see."""
        self._granted, self._trial_ends = bps, now + TRIAL_S
        self._believed_before = self._believed

    def _trouble(self, until: float, now: float) -> None:
        """until  when what was proven ends to count. A failed trial says that more does not fit, not that this does not."""
        self._calm_from = now
        if not self._granted:
            self._proven_until = min(self._proven_until, until)
            self._trouble_at = now if until <= now else self._trouble_at
            if now - self._passed_at < REGRETTED_S:
                self._passed_at, self._try_after_s = float("-inf"), min(TRY_AT_LATEST_S, 2 * self._waited_s)
        self._believed_low = self._believed
        if self._granted:
            self._wall_s = (
                min(WALL_AT_LATEST_S, 2 * self._wall_s) if 0 < self._wall * NEARLY <= self._granted else WALL_S
            )
            self._wall, self._wall_until = min(self._granted, self._wall or self._granted), now + self._wall_s
            self._through = min(self._through, int(self._granted * FITS_QUEUED))
            self._granted, self._echo_until = 0, now + PATIENCE_S  # its queue has to empty
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
