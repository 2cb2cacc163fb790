"""How often a packet path looks at the socket: at each packet, or by a timer when packets come thick.

Waking up costs more than forwarding a packet. So when the socket would wake us more than WAKES_PER_S times a second, a timer does, and
what has come since leaves together; one millisecond is the most that a packet may wait for others. When fewer packets come than the
timer has ticks, the socket wakes us again, and a packet waits for nothing.
"""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 0.05
# Waking at each packet is kept up to here: a room of nine comes to 700, ten rooms of three to 2,000.
WAKES_PER_S: Final = 1200
# Below, most ticks would find nothing.
PACKETS_PER_S: Final = 1000
LONGEST_S: Final = 0.001
SHORTEST_S: Final = 0.0005
# So many packets should come together; from there on more waiting saves nothing.
PACKETS_PER_TICK: Final = 8


class Coalescing:
    """See the module. `every_s` is 0 while the socket wakes us."""

    __slots__ = ("_since", "every_s")

    def __init__(self) -> None:
        self.every_s = 0.0
        self._since = -1.0

    def note(self, packets: int, wakes: int, now: float) -> float | None:
        """So many since the last call, which was WINDOW_S ago or longer. The new interval in seconds (0: by the socket), or None."""
        since, self._since = self._since, now
        if since < 0 or now <= since:
            return None
        wanted_s = self._choose(packets / (now - since), wakes / (now - since))
        if wanted_s == self.every_s:
            return None
        self.every_s = wanted_s
        return wanted_s

    def _choose(self, packets_per_s: float, wakes_per_s: float) -> float:
        if packets_per_s < PACKETS_PER_S or (not self.every_s and wakes_per_s < WAKES_PER_S):
            return 0.0
        wait_s = min(LONGEST_S, max(SHORTEST_S, PACKETS_PER_TICK / packets_per_s))
        # In steps, or the timer would be set anew at each look.
        return round(wait_s, 4)
