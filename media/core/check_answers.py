"""How the checks of a browser whose line loses by chance are answered, so that it does not take the connection for lost. Pure.

Chromium calls a pair unwritable, and stops sending, when five checks in a row and five seconds went without an answer: it checks each 2.5 s while all is
answered, each second while something is not. At 30 % of loss each way half of the checks fail, so that happens six times in ten minutes. Two things
mend it:

1. An answer goes several times. The browser takes the first and minds no other.
2. What the line takes are the checks as well, and of one that never came nothing can be answered. But any check that is still open will do: a
   browser forgets none within a minute. So now and then one is kept unanswered, and is answered when checks stay out.

Only where the browser is known to remember (`remembers`): others take an answer that is missing for more than it is.

Source: libwebrtc p2p/base: connection.cc (TooManyFailures, TooLongWithoutResponse), basic_ice_controller.cc (the two intervals), p2p_constants.h.
RFC 8445 §7.3 and RFC 7675 §5.1 say what an answer is and when consent ends; neither says how often it goes.
"""

from __future__ import annotations

from typing import Final

# From so much loss on, either way.
LOSES: Final = 0.06
# When an answer goes again, as long as no newer check has come.
AGAIN_S: Final = (0.1, 0.2, 1.0)
# A check whose answer came is followed by the next after 2.5 s, of which the line's jitter takes or adds some.
CALM_S: Final = (2.2, 3.0)
# A browser forgets a check after 60.
KEPT_S: Final = 40.0
# So long without a check, and the kept one is answered: two in a row were lost then. Five would be 7.4 s.
SILENT_S: Final = (4.2, 4.6, 5.2, 5.8, 6.4)
# The same after the kept one itself, which the browser counts as the first without an answer.
UNANSWERED_S: Final = (3.2, 3.6, 4.0, 4.4)


class CheckAnswers:
    """One line's. `check` for each valid check, `due` when `next_at` has come."""

    __slots__ = ("_heard", "_kept", "_kept_at", "_plan")

    def __init__(self) -> None:
        self._heard = self._kept_at = float("-inf")
        self._kept: bytes | None = None
        self._plan: list[tuple[float, bytes]] = []  # the next first

    @property
    def next_at(self) -> float | None:
        return self._plan[0][0] if self._plan else None

    def check(self, reply: bytes, lossy: bool, remembers: bool, now: float) -> bool:
        """A check came, which `reply` answers. Whether to answer it now.   lossy  the line loses LOSES or more."""
        calm = CALM_S[0] <= now - self._heard <= CALM_S[1]
        self._heard = now
        self._plan = []
        if self._kept is not None and (not lossy or now - self._kept_at > KEPT_S):
            self._kept = None
        if not lossy:
            return True
        if calm and remembers and self._kept is None:
            self._kept, self._kept_at = reply, now
            self._plan = [(now + after, reply) for after in UNANSWERED_S]
            return False
        self._plan = [(now + after, reply) for after in AGAIN_S]
        if self._kept is not None:
            self._plan += [(now + after, self._kept) for after in SILENT_S]
        return True

    def due(self, now: float) -> list[bytes]:
        """What to send now."""
        due: list[bytes] = []
        while self._plan and self._plan[0][0] <= now:
            due.append(self._plan.pop(0)[1])
        if self._kept in due:
            self._kept = None  # answered: the browser has no use for it any more
        return due
