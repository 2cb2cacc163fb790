"""Pages that wait to be called with their socket open and their offer said: who is called is on the way into the room before the page knows it.

In this process only: a page whose socket another web process holds comes by its own `join`, a round trip later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from server.access.core import ANYONE
from server.access.identify import STAFF_COOKIE, endpoint_by_token, endpoint_cookie, person_by_token
from server.access.tokens import looks_like_token
from server.db.pool import connection
from server.keys import CLOCK, POOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.signaling.messages import StandBy


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is called to: a kiosk, or one of the pages of a person."""

    kind: Literal["endpoint", "person"]
    id: str
    page: str = ""


class Standing:
    """Who stands by, and how to tell that they are called: with the seat token of their call."""

    def __init__(self) -> None:
        self._told: dict[Place, Callable[[str], None]] = {}

    def stand(self, place: Place, told: Callable[[str], None]) -> None:
        """The newest page of a place is the one."""
        self._told[place] = told

    def leave(self, place: Place, told: Callable[[str], None]) -> None:
        """Nobody waits here any more."""
        if self._told.get(place) == told:
            del self._told[place]

    def call(self, place: Place, token: str) -> None:
        """Called, once; nothing happens where nobody stands by."""
        if told := self._told.pop(place, None):
            told(token)


STANDING: web.AppKey[Standing] = web.AppKey("standing", Standing)


async def place_of(request: web.Request, message: StandBy) -> Place | None:
    """Whose page it is by its cookie, which counts only from a page of ours; None: nobody's who can be called. Raises DatabaseAway."""
    token = request.cookies.get(endpoint_cookie(message.kiosk) if message.kiosk else STAFF_COOKIE, "")
    if "Origin" not in request.headers or not looks_like_token(token):
        return None
    async with connection(request.app[POOL]) as conn:
        if message.kiosk:
            device = await endpoint_by_token(conn, token, message.kiosk)
            return Place("endpoint", str(device.id)) if device != ANYONE else None
        person = await person_by_token(conn, token, request.app[CLOCK]())
        return Place("person", str(person.id), message.page or "") if person != ANYONE else None
