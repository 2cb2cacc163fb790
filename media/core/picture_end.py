"""The end of a picture that is lost, seen before the next picture comes. Pure.

By a stream's own numbers the loss of a picture's last packets shows when the next picture begins: at fifteen a second that is 66 ms, and at eight
twice that. But each packet of a browser has a number over all its streams too (core/transport_cc.py), and its voice says something each 20 ms. So a hole right
behind the last packet of a picture's stream shows sooner, and what comes next in that stream is asked for. It may have been a voice, a repair or another
picture that was lost there: then something is asked for that was not sent yet, and a browser does not answer that.
"""

from __future__ import annotations

from typing import Final

from media.core.loss import REORDER_PERSISTING_S, REPEAT_S

MOST: Final = 3  # packets at once
# Then the next picture tells, or nothing is sent.
LOOKS_FOR_S: Final = 0.3


class PictureEnd:
    """One stream's. `look` each REPEAT_S or more often."""

    __slots__ = ("_asked_at", "_ext", "_number")

    def __init__(self) -> None:
        self._ext = -1
        self._number: int | None = None  # over all streams, of the newest packet of this one
        self._asked_at = float("-inf")

    def look(self, came: dict[int, float], ext: int, last_at: float, now: float) -> list[int]:
        """Extended numbers of this stream to ask for now.

        came          extended number over all streams -> when, of the last LOOKS_FOR_S at least.
        ext, last_at  the stream's newest packet, and when it came.
        """
        if ext != self._ext:
            self._ext = ext
            self._number = next((number for number, at in reversed(came.items()) if at == last_at), None)
            self._asked_at = float("-inf")
        if self._number is None or now - last_at > LOOKS_FOR_S or now - self._asked_at < REPEAT_S:
            return []
        newest = max(came, default=-1)
        missing = 0
        while self._number + 1 + missing < newest and self._number + 1 + missing not in came:
            missing += 1
        behind = came.get(self._number + 1 + missing)
        if not missing or behind is None or now - behind < REORDER_PERSISTING_S:
            return []
        self._asked_at = now
        return [ext + 1 + at for at in range(min(missing, MOST))]
