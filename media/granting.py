"""What a person's browser is told that it may send, by the lines of those who see him (core/granting.py decides)."""

from __future__ import annotations

from collections.abc import Iterable

from media.core.granting import granted_bps
from media.seat import Seat


def grant(seat: Seat, others: Iterable[Seat], *, recorded: bool) -> None:
    """On a timer: the feedback lane tells it with the next report."""
    if recorded:
        seat.adapting.granted_bps = None
        return
    takers = (other for other in others if other is not seat and _shows(other, seat))
    seat.adapting.granted_bps = granted_bps((taker.adapting.share.bps for taker in takers), seat.peer.pictures)


def _shows(taker: Seat, seat: Seat) -> bool:
    return any(
        slot.occupant is not None and slot.occupant.seat == seat.name and taker.half(slot.index, "video") is not None
        for slot in taker.table
    )
