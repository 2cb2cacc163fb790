"""The recorder, as a packet path meets it: where a recorded stream's packets go besides the subscribers."""

from __future__ import annotations

from typing import Protocol


class Tap(Protocol):
    """The recorder, as one up stream sees it. `now` is monotonic seconds; nothing here may wait."""

    def packet(self, packet: bytes, now: float) -> None:
        """One decrypted RTP packet, as received."""
        ...

    def report(self, ntp: int, rtp_ts: int, packets: int, octets: int, now: float) -> None:
        """One sender report of the publisher."""
        ...

    def late(self, packet: bytes, now: float) -> bool:
        """A packet that no subscriber can use any more. True: it was missing, and is recorded now."""
        ...

    def pause(self, paused: bool) -> None:
        """Forwarding, and with it recording, stops or goes on."""
        ...

    @property
    def waiting(self) -> int:
        """How many packets are missing and not declared so."""
        ...

    def look_after(self, now: float) -> list[int]:
        """On a timer while `waiting`; returns sequence numbers to ask for."""
        ...

    def end(self) -> None:
        """The stream is over; nothing is called after this."""
        ...
