"""Who speaks: levels of a voice in, a calm yes or no out. Pure.

One look after another brings the loudest level (RFC 6464) since the look before, about five a second. A look counts as *loud* when it
is louder than quiet speech and clearly louder than the person's own surroundings, whose level is learnt: it rises slowly and falls at
once, so that pauses between words show it and a fan is no speaker. Somebody speaks from LOUD_ENOUGH loud looks within MEMORY_S on,
which one cough does not reach, and until at most LEFT_OVER of them are left, which a pause for breath does not do. Each is judged by
himself: two may speak at once.

The shape follows what other forwarders do: a share of loud time over a smoothed window (LiveKit), surroundings learnt from the quietest
of what was heard (I. Volfin, I. Cohen, Dominant Speaker Identification for Multipoint Videoconferencing, 2012; Jitsi, mediasoup).
"""

from __future__ import annotations

from collections import deque
from typing import Final

from media.core.rtp import SILENCE

LOOK_S: Final = 0.2
EARLY_S: Final = 0.05
MEMORY_S: Final = 2.0
LOUD_ENOUGH: Final = 4
LEFT_OVER: Final = 1
# -dBov, as RFC 6464 counts: the larger the quieter.
QUIETEST_SPEECH: Final = 45
# So much louder than the surroundings, in decibels.
ABOVE: Final = 12.0
# What is louder than this is no background: shouting into the microphone for a minute is still speaking.
LOUDEST_SURROUNDINGS: Final = 35.0
QUIETEST_SURROUNDINGS: Final = 70.0
# How fast more noise is believed to be the surroundings, in decibels a second.
RISE_PER_S: Final = 2.0


class Speech:
    """One person's voice. `speaks` is the answer; `spoke_at` when it was last yes, -infinity before."""

    __slots__ = ("_looked_at", "_loud_at", "_surroundings", "speaks", "spoke_at")

    def __init__(self, now: float) -> None:
        self.speaks = False
        self.spoke_at = float("-inf")
        self._looked_at = now
        self._loud_at: deque[float] = deque(maxlen=LOUD_ENOUGH)
        self._surroundings = QUIETEST_SURROUNDINGS

    def is_due(self, now: float) -> bool:
        """Whether LOOK_S have passed since the last look, or nearly: who comes a millisecond early need not come again."""
        return now - self._looked_at >= LOOK_S - EARLY_S

    def note(self, level: int, now: float) -> bool:
        """The loudest level since the last look, 0 to 127 in -dBov; SILENCE when nothing came. Returns `speaks`."""
        passed_s, self._looked_at = now - self._looked_at, now
        if level != SILENCE:
            self._learn(level, passed_s)
        if level <= min(QUIETEST_SPEECH, self._surroundings - ABOVE):
            self._loud_at.append(now)
        while self._loud_at and now - self._loud_at[0] >= MEMORY_S:
            self._loud_at.popleft()
        self.speaks = len(self._loud_at) > LEFT_OVER if self.speaks else len(self._loud_at) >= LOUD_ENOUGH
        if self.speaks:
            self.spoke_at = now
        return self.speaks

    def hush(self) -> None:
        """He was muted, or is in another room now: nothing of what was counts."""
        self._loud_at.clear()
        self.speaks = False

    def _learn(self, level: int, passed_s: float) -> None:
        risen = self._surroundings - RISE_PER_S * min(passed_s, MEMORY_S)
        self._surroundings = min(QUIETEST_SURROUNDINGS, max(LOUDEST_SURROUNDINGS, risen, float(level)))
