"""Which layer of a picture is recorded: the largest that comes, one at a time.

A layer is a stream of its own in the journal, with its own SSRC, numbers and ledger. To go over to another one takes a key frame of
it: there the one before is closed, and a film goes on without a torn picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from media.adapting import is_alive
from media.feedback import Feedback
from media.forward.path import UpStream
from media.net.answer import Negotiated
from media.recorder import Recorder
from media.seat import Seat


def best_layer(layers: Sequence[UpStream], now: float, begins: UpStream | None = None) -> UpStream:
    """The largest that comes; the largest of all if none does. `begins` comes just now."""
    return next((up for up in reversed(layers) if up is begins or is_alive(up, now)), layers[-1])


def end_taps(ups: Iterable[UpStream]) -> None:
    for up in ups:
        if up.tap is not None:
            up.tap.end()
            up.tap = None


def record_lines(recorder: Recorder | None, seat: Seat, now: float) -> None:
    """Begin what the seat sends already."""
    for line in seat.up_lines():
        layers = seat.peer.layers_of(line)
        if layers and recorder is not None:
            _begin(recorder, seat, best_layer(layers, now), line)


def record_started(recorder: Recorder | None, feedback: Feedback, seat: Seat, up: UpStream, now: float) -> None:
    """A stream or a layer began: the first one of its line is recorded at once."""
    if recorder is None:
        return
    line, layers = _line_of(seat, up)
    if all(other.tap is None for other in layers):
        _begin(recorder, seat, up, line)
    else:
        feedback.ask_key_frame(up, now)


def record_layers(feedback: Feedback, seat: Seat, now: float) -> None:
    """On a timer: ask for the key frame with which the recording goes over to the largest layer that comes."""
    for line in seat.up_lines():
        layers = seat.peer.layers_of(line) if line.rids else []
        best = best_layer(layers, now) if layers else None
        if best is not None and best.tap is None and not best.paused and is_alive(best, now):
            feedback.ask_key_frame(best, now)


def go_over(recorder: Recorder, seat: Seat, up: UpStream, now: float) -> None:
    """A key frame of `up` begins."""
    line, layers = _line_of(seat, up)
    if up.tap is None and best_layer(layers, now, up) is up:
        end_taps(layers)
        _begin(recorder, seat, up, line)


def _line_of(seat: Seat, up: UpStream) -> tuple[Negotiated, list[UpStream]]:
    for line in seat.up_lines():
        layers = seat.peer.layers_of(line)
        if up in layers:
            return line, layers
    raise AssertionError("a stream of another seat")


def _begin(recorder: Recorder, seat: Seat, up: UpStream, line: Negotiated) -> None:
    up.tap = recorder.tap(seat.name, up, line)
