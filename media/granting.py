"""What a person's browser is told that it may send, by the lines of those who see him (core/granting.py decides)."""

from __future__ import annotations

from collections.abc import Iterable

from media.adapting import TIGHT_BPS
from media.core.granting import granted_bps
from media.core.slots import FACE
from media.seat import Seat


def grant(seat: Seat, others: Iterable[Seat], *, recorded: bool) -> None:
    """On a timer: the feedback lane tells it with the next report, `leave_out` what it says of layers."""
    takers = [other for other in others if other is not seat and _shows(other, seat)]
    shares = () if recorded else (taker.adapting.share.bps for taker in takers)
    seat.adapting.granted_bps = granted_bps(shares, seat.peer.pictures)
    seat.adapting.small = _all_narrow(seat, takers)


def _all_narrow(seat: Seat, takers: Iterable[Seat]) -> bool:
    """Whether all who have no more than the smallest layer of his face have lines that carry hardly more than a voice."""
    layers, _ = seat.up_of(FACE) or ([], None)
    larger = layers[1:]
    shares = [
        taker.adapting.share.bps for taker in takers if not any(d.up in larger for d in taker.peer.downs.values())
    ]
    least = TIGHT_BPS[1 if seat.adapting.small else 0]
    return bool(larger and shares) and all(bps is not None and bps < least for bps in shares)


def _shows(taker: Seat, seat: Seat) -> bool:
    return any(
        slot.occupant is not None and slot.occupant.seat == seat.name and taker.half(slot.index, "video") is not None
        for slot in taker.table
    )
