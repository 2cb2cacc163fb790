"""How running rooms stand, for staff's pages: read from those this process leads, and told by the others every two seconds (BUS.md)."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

import msgspec

from server.mediaplane.reach.bus import BusAway
from server.signaling.room.session import LOW_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.mediaplane.reach.bus import Bus, Said
    from server.signaling.room.session import Session

log = logging.getLogger("laizuo.signaling")

TELL_EVERY_S: Final = 2.0  # as often as lines are measured
OLD_S: Final = 8.0  # then whoever told it is gone
AT_ONCE: Final = 200  # sessions in one word: far below what the broker takes
NEWS: Final = "seen"


class SeenPerson(msgspec.Struct, frozen=True):
    """`word` as PROTOCOL.md has it in `person`; `loss` the worse direction's, the worst of the last ten seconds, as a share of 1; `lacks`: devices."""

    word: str
    loss: float
    lacks: tuple[str, ...] = ()


class SeenSession(msgspec.Struct, frozen=True):
    """`recording` as PROTOCOL.md has it, of the joint room; people by seat."""

    recording: str
    is_low: bool
    people: dict[str, SeenPerson]


_Told = dict[str, SeenSession]
_read: Final = msgspec.json.Decoder(_Told)


def look(session: Session) -> SeenSession:
    """A session that this process leads."""
    recording = next(iter(session.recordings.values()), None)
    people = {}
    for seat, person in session.people.items():
        lacks = tuple(person.report.lacks) if person.report else ()
        people[seat] = SeenPerson(person.word(), max(person.losses, default=0.0), lacks)
    state, cause = (recording.state, recording.cause) if recording else ("none", None)
    return SeenSession(state, cause == LOW_SPACE, people)


class Seeing:
    """What other web processes have told of the sessions that they lead."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._seen: dict[str, tuple[SeenSession, float]] = {}
        bus.on_news(NEWS, self._take)

    def get(self, session_id: str) -> SeenSession | None:
        seen, at = self._seen.get(session_id, (None, 0.0))
        return seen if time.monotonic() - at < OLD_S else None

    def tell(self, sessions: Iterable[Session]) -> None:
        """Tell the others of ours."""
        ours = {session.facts.id: look(session) for session in sessions}
        ids = list(ours)
        with contextlib.suppress(BusAway):
            for start in range(0, len(ids), AT_ONCE):
                self._bus.tell(NEWS, msgspec.json.encode({name: ours[name] for name in ids[start : start + AT_ONCE]}))

    def _take(self, said: Said) -> None:
        now = time.monotonic()
        self._seen = {name: seen for name, seen in self._seen.items() if now - seen[1] < OLD_S}
        self._seen.update({name: (seen, now) for name, seen in _read.decode(said.body).items()})
