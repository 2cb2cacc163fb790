"""The same two pages in a room of Janus' VideoRoom, one of them behind the line: a connection up and one down each, as Janus has it."""

from __future__ import annotations

import time
from threading import Lock
from typing import Any, Final

from server.bench.loadgen.janus import FIRST_ROOM, JanusSignaling
from server.bench.loadgen.peer import PeerFailed
from server.bench.netline.direct import host_of, with_candidate
from server.bench.netline.relay import Relay
from server.bench.pages import Answer

ON_LINE: Final = "line"  # the seat
FEED_WITHIN_S: Final = 10.0


class VideoRoom:
    """`begin` opens a room for each line; then both pages publish, and then both subscribe to the other."""

    def __init__(self, signaling: JanusSignaling) -> None:
        self._signaling = signaling
        self._lock = Lock()
        self._room = FIRST_ROOM
        self._relay: Relay | None = None
        self._feeds: dict[str, int] = {}
        self._handles: dict[str, int] = {}

    def begin(self, relay: Relay) -> None:
        """Raises PeerFailed."""
        self._room += 1
        self._relay = relay
        self._feeds.clear()
        self._signaling.open_room(self._room)

    def answers(self) -> dict[str, Answer]:
        return {"/publish": self._publish, "/subscribe": self._subscribe, "/accept": self._accept}

    def _publish(self, asked: dict[str, Any]) -> dict[str, Any]:
        seat = asked["seat"]
        with self._lock:
            self._feeds[seat], answer = self._signaling.publish(self._room, _hidden(asked))
        return {"sdp": self._through(seat, answer)}

    def _subscribe(self, asked: dict[str, Any]) -> dict[str, Any]:
        seat = asked["seat"]
        with self._lock:
            others = [feed for other, feed in self._feeds.items() if other != seat]
            self._handles[seat], offer = self._when_there(others)
        return {"sdp": self._through(seat, offer)}

    def _when_there(self, feeds: list[int]) -> tuple[int, str]:
        """A feed can be had a moment after its browser believes itself connected."""
        end = time.monotonic() + FEED_WITHIN_S
        while True:
            try:
                return self._signaling.subscribe(self._room, feeds)
            except PeerFailed:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def _accept(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._signaling.start(self._handles[asked["seat"]], _hidden(asked))
        return {}

    def _through(self, seat: str, description: str) -> str:
        """Who is on the line is told its end for each of the server's ports."""
        if seat != ON_LINE or self._relay is None:
            return description
        return with_candidate(description, self._relay.address_for(host_of(description)))


def _hidden(asked: dict[str, Any]) -> str:
    """What a page says of itself; of who is on the line Janus learns no address but by the line, or it would go past it."""
    description: str = asked["sdp"]
    return with_candidate(description, None) if asked["seat"] == ON_LINE else description
