"""Which up stream flows into which down stream, and where a picture begins: the part of a packet path that is the same for both.

A video down stream is in one of three states:

    waiting      in `up.waiting`, up is its own: nothing flows until a key frame comes, or he has caught up (catching_up.py)
    flowing      in `up.downs`
    going over   in `up.downs` of the layer it shows (or catching up with it), and in `waiting` of the layer it shall show (`next_up`)
"""

from __future__ import annotations

from media.core.packetcache import ANY_AGE
from media.core.picture_ids import NO_SHIFT, UNKNOWN, make_shift, read_numbers, shifted
from media.core.rtp import payload_start
from media.forward.path import DownStream, Lane, UpStream, Watcher

NO_NUMBERS = (UNKNOWN, UNKNOWN)


class Wiring:
    """See path.py ForwardPath for what each method promises."""

    def __init__(self, watcher: Watcher) -> None:
        self._on_gap = watcher.on_gap
        self._on_key_wanted = watcher.on_key_wanted

    def add_up(self, up: UpStream) -> None:
        up.lane.ups[up.ssrc] = up
        if up.rtx_ssrc is not None:
            up.lane.repairs[up.rtx_ssrc] = up

    def remove_up(self, up: UpStream) -> None:
        for down in [*up.downs, *up.waiting]:
            if down.up is up:
                self.disconnect(down)
            else:
                self._stay(down)
        up.tap = None
        up.lane.ups.pop(up.ssrc, None)
        if up.rtx_ssrc is not None:
            up.lane.repairs.pop(up.rtx_ssrc, None)

    def tell_gently(self, lane: Lane, *, forgives: bool, at_once: bool) -> None:
        arrivals = lane.arrivals
        if (forgives, at_once) != (arrivals.forgives, arrivals.at_once):
            arrivals.begin(forgives=forgives, at_once=at_once)

    def connect(self, up: UpStream, down: DownStream) -> None:
        self.disconnect(down)
        down.up = up
        down.map.switch(up.handle)
        if down.kind == "audio":
            up.downs = [*up.downs, down]
            return
        up.waiting = [*up.waiting, down]
        if not up.paused:
            self._on_key_wanted(up, True)

    def switch(self, up: UpStream, down: DownStream) -> None:
        self._stay(down)
        if down.up is up:
            return
        if down.up is None or not (down in down.up.downs or down.map.open):
            self.connect(up, down)
            return
        down.next_up = up
        up.waiting = [*up.waiting, down]
        if not up.paused:
            self._on_key_wanted(up, True)

    def disconnect(self, down: DownStream) -> None:
        self._stay(down)
        up = down.up
        if up is None:
            return
        self._cut(up, down)
        up.downs = [other for other in up.downs if other is not down]
        up.waiting = [other for other in up.waiting if other is not down]
        down.up = None

    def pause(self, up: UpStream, paused: bool) -> None:
        up.paused = paused
        if not paused:
            if up.waiting:
                self._on_key_wanted(up, True)
            return
        up.key_ext = -1
        for down in up.downs:
            self._cut(up, down)
        if up.kind == "video":
            up.waiting, up.downs = up.waiting + up.downs, []

    def _stay(self, down: DownStream) -> None:
        """Go over to no other layer."""
        up = down.next_up
        if up is not None:
            up.waiting = [other for other in up.waiting if other is not down]
            down.next_up = None

    def _cut(self, up: UpStream, down: DownStream) -> None:
        """Leave out what follows, and remember the last picture's numbers: the next one goes on behind them."""
        if down.map.open and up.codec == "VP8":
            last = up.cache.get(down.map.highest, ANY_AGE)
            numbers = NO_NUMBERS if last is None else read_numbers(last, payload_start(last, len(last)), len(last))
            down.last_numbers = shifted(numbers, down.shift)
        down.map.cut()

    def _congested(self, down: DownStream) -> None:
        """The socket is full: audio loses one packet, video the rest until a key frame (which is asked for)."""
        up = down.up
        if down.kind == "audio" or up is None:
            return
        up.downs = [other for other in up.downs if other is not down]
        if down not in up.waiting:
            up.waiting = [*up.waiting, down]
        self._cut(up, down)
        self._on_key_wanted(up, False)

    def _look_for_key_frame(self, up: UpStream, packet: bytes, start: int, ext: int) -> None:
        """Video begins with a key frame only: on another person's picture as reference a decoder paints garbage.

        A codec that we cannot look into begins at once; the subscriber's own PLI repairs the picture.
        """
        if up.is_key_frame is not None and not up.is_key_frame(packet, start, len(packet)):
            return
        up.keys.arrived()
        up.key_ext, up.key_at = ext, up.last_at
        for down in up.waiting:
            if down.next_up is up:
                self._go_over(up, down)
            elif down.map.open:  # he was catching up with the one before
                self._cut(up, down)
            if down.numbered != up.handle:
                self._renumber(up, down, packet, start, ext)
        up.downs = up.downs + up.waiting
        up.waiting = []
        up.lane.owner.on_key_frame(up)

    def _go_over(self, up: UpStream, down: DownStream) -> None:
        waiting = up.waiting
        self.disconnect(down)
        up.waiting = waiting
        down.up = up
        down.map.switch(up.handle)

    def _renumber(self, up: UpStream, down: DownStream, packet: bytes, start: int, ext: int) -> None:
        down.numbered, down.begun_at = up.handle, ext
        down.shift = NO_SHIFT
        if up.codec == "VP8":
            down.shift = make_shift(down.last_numbers, read_numbers(packet, start, len(packet)))
