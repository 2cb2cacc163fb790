"""How long a worker waits for what; tests make it short."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. The defaults are the protocol's (media/CONTROL.md, Events)."""

    reconnecting_s: float = 3.0  # nothing valid from a peer: people are told
    gone_s: float = 30.0  # RFC 7675 §5.1: consent has ended, sending stops
    handshake_s: float = 10.0  # DTLS, from the first valid check on
    silent_s: float = 3.0  # a stream without packets while its peer is connected
    report_s: float = 1.0  # RTCP reports to each peer
    quality_s: float = 2.0  # the event `quality`
    rest_after_s: float = 30.0  # a layer that nobody takes: its browser is told to leave it out (core/resting.py)
    stood_s: float = 3.0  # a worker that stood still for so long has lost its rooms; a controller waits no longer
    tick_s: float = 0.1  # how often all of this is looked at
