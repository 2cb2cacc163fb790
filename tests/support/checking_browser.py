"""A browser that checks its connection as Chromium does, and loses faith in it as Chromium does. Virtual time; no socket.

The constants and rules are libwebrtc's (p2p/base/p2p_constants.h, connection.cc, basic_ice_controller.cc, 2026): a look each 250 ms; a check 2.5 s after the one
before while nothing waits for its answer, else 0.9 s; unwritable when the first unanswered one is 5 s old and the fifth older than two round trips.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from media.core.check_answers import CheckAnswers
from tests.support.lossy_line import LossyLine

LOOK_S = 0.251  # a timer of 250 ms is never early
STABLE_S, UNSTABLE_S, WEAK_S = 2.5, 0.9, 0.048
UNWRITABLE_S, UNWRITABLE_CHECKS = 5.0, 5
FORGOTTEN_S = 60.0


@dataclass
class CheckingBrowser:
    """`look` each LOOK_S; `answered` for each answer that arrives."""

    rtt_s: float = 0.2
    writable: bool = True
    breaks: int = 0
    checks: int = 0
    _open: dict[int, float] = field(default_factory=dict)  # number -> when sent; until it is answered or forgotten
    _waiting: list[float] = field(default_factory=list)  # sent since the last answer
    _last_at: float = -10.0

    def look(self, now: float) -> int | None:
        """The number of the check that it sends now, if it does."""
        waiting = self._waiting
        patience_s = min(60.0, max(0.1, 2 * self.rtt_s))
        if (
            self.writable
            and len(waiting) >= UNWRITABLE_CHECKS
            and now > waiting[UNWRITABLE_CHECKS - 1] + patience_s
            and now > waiting[0] + UNWRITABLE_S
        ):
            self.writable = False
            self.breaks += 1
        stable = not waiting or now - waiting[0] <= 2 * self.rtt_s
        interval_s = (STABLE_S if stable else UNSTABLE_S) if self.writable else WEAK_S
        if now - self._last_at < interval_s:
            return None
        self._last_at = now
        self.checks += 1
        self._open[self.checks] = now
        waiting.append(now)
        return self.checks

    def answered(self, number: int, now: float) -> None:
        """One whose answer came before, or is forgotten, is nothing to it."""
        sent_at = self._open.pop(number, None)
        if sent_at is None or now - sent_at > FORGOTTEN_S:
            return
        self.rtt_s = (3 * self.rtt_s + now - sent_at) / 4
        self._waiting.clear()
        self.writable = True


@dataclass(frozen=True)
class Watched:
    """Of one run."""

    breaks: int
    checks: int
    answers: int
    kept: int  # checks that were not answered at once


def watch(*, loss: float, seconds: float, seed: int, remembers: bool = True, lossy: bool = True) -> Watched:
    """A browser and our answers over a line that loses both ways, 100 ms each."""
    chance = random.Random(seed)
    there: LossyLine[int] = LossyLine(chance, loss, 0.1, 0.02)
    back: LossyLine[int] = LossyLine(chance, loss, 0.1, 0.02)
    browser, answers = CheckingBrowser(), CheckAnswers()
    kept = 0
    look_at = 0.0
    for tick in range(int(seconds * 100)):
        now = tick / 100
        if now >= look_at:
            look_at = now + LOOK_S
            number = browser.look(now)
            if number is not None:
                there.send(number, now)
        for _, number in there.arrived(now):
            if answers.check(number.to_bytes(4, "big"), lossy, remembers, now):
                back.send(number, now)
            else:
                kept += 1
        for reply in answers.due(now):
            back.send(int.from_bytes(reply, "big"), now)
        for at, number in back.arrived(now):
            browser.answered(number, at)
    return Watched(browser.breaks, browser.checks, back.sent, kept)
