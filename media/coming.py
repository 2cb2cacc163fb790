"""Pictures when somebody comes into a room, comes back, or leaves it for another one."""

from __future__ import annotations

from collections.abc import Callable

from media.core.slots import Occupant
from media.feedback import Feedback
from media.forward.catching_up import NO_KEY
from media.forward.path import ForwardPath, UpStream
from media.net.answer import Negotiated
from media.seat import Seat

Wanted = Callable[[Occupant | None, str], tuple[list[UpStream], Negotiated] | None]


def ask_ahead(feedback: Feedback, seat: Seat, wanted_in: Wanted, now: float) -> None:
    """Have key frames made of what he will see, while he still agrees on keys with us (forward/catching_up.py)."""
    for slot in seat.table:
        half, wanted = seat.half(slot.index, "video"), wanted_in(slot.occupant, "video")
        if half is None or wanted is None or half.down.up is not None:
            continue
        up = seat.adapting.pick(half.down, [up for up in wanted[0] if up.codec in half.line.pts], now)
        if up is not None and not up.paused:
            feedback.ask_key_frame(up, now, first_picture=True)


def come_back(feedback: Feedback, seat: Seat, now: float) -> None:
    """His line was dead for seconds: of what he sent meanwhile nothing is asked for, those who see him get a new picture."""
    for up in seat.peer.ups:
        if up.kind == "video" and not up.paused and (up.downs or up.waiting):
            up.loss.line_returned(now)
            feedback.ask_key_frame(up, now)


def cut_off(path: ForwardPath, seat: Seat) -> None:
    """Nothing of his goes to anybody here any more, nothing of theirs to him, and nobody sees later what was before."""
    for up in seat.peer.ups:
        up.key_ext = NO_KEY
        for down in [*up.downs, *up.waiting]:
            path.disconnect(down)
    for down in seat.peer.downs.values():
        path.disconnect(down)
