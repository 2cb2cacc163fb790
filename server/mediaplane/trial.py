"""A trial of somebody's line before anybody waits for them: a room of one at a worker for a few seconds, unrecorded, owned by nobody.

It is at no place in the database; a worker that outlives us with one is told to close it when it is met again (plane.py).
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from media.control.messages import CloseRoom, Join, Joined, Message, OpenRoom
from server.mediaplane.link import Link, WorkerAway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRIAL_S: Final = 15.0
MOST_AT_ONCE: Final = 12  # two sessions' worth of load at the very most
SEAT: Final = "trial"
TRIAL: Final = "trial-"  # what the names of these rooms begin with


class TooManyTrials(Exception):
    """Others try theirs just now."""


class Trials:
    """All trials of this process."""

    def __init__(self, choose: Callable[[], Link | None]) -> None:
        """choose  gives the worker with the least to do, None when none takes new rooms."""
        self._choose = choose
        self._running = 0

    async def begin(self, offer: str, sources: Mapping[str, str]) -> str:
        """The worker's answer to the offer. It ends by itself. Raises TooManyTrials, WorkerAway, WorkerRefused."""
        if self._running >= MOST_AT_ONCE:
            raise TooManyTrials
        link = self._choose()
        if link is None:
            raise WorkerAway("no worker takes new rooms")
        room = f"{TRIAL}{secrets.token_hex(8)}"
        self._running += 1
        asyncio.get_running_loop().call_later(TRIAL_S, self._finish, link, room)
        await link.request(
            lambda number: OpenRoom(id=number, room=room, session=room, epoch=1, capacity=1, record=None)
        )
        joined = await link.request(
            lambda number: Join(
                id=number, room=room, epoch=1, seat=SEAT, connection=1, offer=offer, sources=dict(sources)
            )
        )
        assert isinstance(joined, Joined)
        return joined.answer

    def _finish(self, link: Link, room: str) -> None:
        self._running -= 1
        try:
            closing = link.send(lambda number: CloseRoom(id=number, room=room, epoch=1, reason="trial"))
        except WorkerAway:
            return  # and its rooms with it
        closing.add_done_callback(_forget)


def _forget(closing: asyncio.Future[Message]) -> None:
    """Whether it was still there is of no interest."""
    if not closing.cancelled():
        closing.exception()
