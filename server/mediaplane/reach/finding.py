"""Which media workers are on the bus: each tells all every second, and at once when somebody asks."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

import msgspec

from media.control.bus_server import WHO, WORKER, Announcement
from server.mediaplane.reach.bus import BusAway

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.mediaplane.reach.bus import Bus, Said

log = logging.getLogger("laizuo.mediaplane")

FORGET_S: Final = 10.0  # a worker that has not told of itself for so long is not gone to any more
_read: Final = msgspec.json.Decoder(Announcement)


class Finding:
    """Who has announced itself. `found` is called with a name when it is heard, or heard again after a silence."""

    def __init__(self, bus: Bus, found: Callable[[str], None]) -> None:
        self._bus = bus
        self._found = found
        self._heard: dict[str, tuple[Announcement, float]] = {}
        bus.on_news(WORKER, self._take)
        bus.on_change(self._changed)

    def newest(self, name: str) -> Announcement | None:
        """The newest word of a worker; None when it has been silent."""
        found, at = self._heard.get(name, (None, 0.0))
        return found if time.monotonic() - at < FORGET_S else None

    def gone(self, told: Announcement) -> None:
        """Nobody is at this worker's address any more; it announces itself when it is back."""
        if (now := self.newest(told.worker)) is not None and now.address == told.address:
            del self._heard[told.worker]

    def _changed(self, is_up: bool) -> None:
        if is_up:
            with contextlib.suppress(BusAway):
                self._bus.tell(WHO, b"")

    def _take(self, said: Said) -> None:
        try:
            told = _read.decode(said.body)
        except msgspec.DecodeError as error:
            log.warning("a worker's announcement cannot be read: %s", error)
            return
        before = self.newest(told.worker)
        self._heard[told.worker] = (told, time.monotonic())
        if before is None:
            self._found(told.worker)
