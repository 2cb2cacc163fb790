"""A device's visit of a room: the page that the server plays for it, from the first offer to the end of its line.

A device says one thing, its offer, and waits for one answer. What else a page would hear is not for it, but for three: that its path
is dead (`rejoin`), that it stands before the door (`waiting`), and that it is over (`closed`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from server.access.rates import Rate
from server.signaling.messages import Answer, Closed, Error, Leave, Offer, Rejoin, Waiting, Welcome
from server.signaling.whip import core

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from server.sessions.seats import Entry
    from server.signaling.arriving import LineSession
    from server.signaling.messages import ServerMessage
    from server.signaling.room.effects import LineId
    from server.signaling.whip.core import Kind

PEER: Final = 1  # a visit has one peer connection
OFFER_AGAIN_S: Final = 1.0  # as a page does while the worker is away
OFFERS_BURST: Final = 10  # each is work for the worker; as many as a page may say
OFFER_EVERY_S: Final = 1.0


@dataclass(slots=True)
class Patience:
    """How long a request is held (encoders give up after 8 s and more), and how long a device that was sent away with 503 still stands at the door."""

    held_s: float = 6.0
    door_s: float = 30.0


class Refusal(Exception):
    """The room said no; `why` is a word of core.REFUSALS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Visit:
    """See the module. Made inside the loop; `number` is its line's."""

    def __init__(
        self, number: LineId, kind: Kind, names: tuple[bytes, bytes], offer: Offer, on_end: Callable[[Visit], None]
    ) -> None:
        """names   (key, token): hashes of the resource's name and of what opened the seat; the resource is for who holds that.
        on_end  called once, when the line is over for whatever reason.
        """
        self.number = number
        self.kind = kind
        self.key, self.token = names
        self.offer = offer
        self.etag = ""  # of the newest answer; empty before the first
        self.seat, self.session_id, self.connection = "", "", 0
        self.greeted = asyncio.Event()  # the room has said how it stands with us
        self.was_hung = False  # without a farewell: the session is led elsewhere from now on
        self.ice: list[Mapping[str, str | list[str]]] = []
        self._loop = asyncio.get_running_loop()
        self._session: LineSession | None = None
        self._asking: asyncio.Future[Answer] | None = None
        self._on_end = on_end
        self.is_over = False
        self._is_seated = False
        self._at_door: asyncio.TimerHandle | None = None
        self._restarts = Rate(OFFERS_BURST, OFFER_EVERY_S)

    # ------------------------------------------------------------ what the device wants

    def enter(self, entry: Entry) -> None:
        """The token has opened this seat."""
        self.seat, self.session_id, self.connection = entry.seat, entry.session_id, entry.connection

    def begin(self, session: LineSession) -> None:
        """The line is in the session (`arrive` has been said)."""
        self._session = session

    async def ask(self, patience: Patience) -> str:
        """The SDP of the answer to the offer, once the device is seated. Raises Refusal; `at_the_door` and `service_away` leave the line at the door."""
        asking: asyncio.Future[Answer] = self._loop.create_future()
        self._asking = asking
        if self.is_over:
            raise Refusal("gone")
        if self._is_seated:
            self._offer_now()
        try:
            async with asyncio.timeout(patience.held_s):
                answer = await asking
        except TimeoutError:
            why = "service_away" if self._is_seated else "at_the_door"
            raise Refusal(why) from None
        finally:
            self._asking = None
        self.etag = core.etag_of(answer.sdp)
        return answer.sdp

    async def restart(self, offer: Offer, patience: Patience) -> str:
        """Another offer for the same peer connection, one at a time. Raises Refusal; then the one before stands."""
        if self._asking is not None or self._restarts.take("", self._loop.time()):
            raise Refusal("too_many")
        before, self.offer = self.offer, offer
        try:
            return await self.ask(patience)
        except Refusal:
            self.offer = before
            raise

    def wait_at_door(self, patience: Patience) -> None:
        """The request has been answered with "come again": the line stays for a while, so that the person in charge sees who waits."""
        if not self.is_over:
            self._at_door = self._loop.call_later(patience.door_s, self.drop)

    def leave(self) -> None:
        """By the device's own will; sending to it stops."""
        if self._session is not None and not self.is_over:
            self._session.receive(self, Leave())
        self._end("left")

    def drop(self) -> None:
        """The line is gone without a word, as when a page's socket breaks."""
        self._end("gone")
        if self._session is not None:
            self._session.drop_line(self)

    # ------------------------------------------------------------ the session's line

    def say(self, message: ServerMessage) -> None:
        """Called in the middle of the session's effects: whatever comes of it is done after them."""
        match message:
            case Welcome():
                self._loop.call_soon(self._seated, message)
            case Waiting():
                self._loop.call_soon(self._sent_to_door)
            case Answer():
                self._settle(message)
            case Error():
                self._loop.call_soon(self._refused, message.code)
            case Rejoin():
                self._loop.call_soon(self.drop)
            case Closed():
                self._end(message.why)
            case _:
                pass

    def hang(self) -> None:
        self.was_hung = not self.is_over
        self._end("gone")

    def _seated(self, message: Welcome) -> None:
        self._is_seated, self.ice = True, list(message.ice)
        if self.etag and message.media == "new":
            self.drop()  # a page would offer anew; a device begins again
        elif not self.etag and self._asking is not None:
            self._offer_now()
        self.greeted.set()

    def _sent_to_door(self) -> None:
        self._is_seated = False
        if self.etag:
            self.drop()
        self.greeted.set()

    def _offer_now(self) -> None:
        if self._session is not None and not self.is_over and self._asking is not None:
            self._session.receive(self, self.offer)

    def _refused(self, code: str) -> None:
        if code == "service_away" and not self.etag:
            self._loop.call_later(OFFER_AGAIN_S, self._offer_now)
        elif self._asking is not None and not self._asking.done():
            self._asking.set_exception(Refusal(code))

    def _settle(self, answer: Answer) -> None:
        if self._asking is not None and not self._asking.done():
            self._asking.set_result(answer)

    def _end(self, why: str) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.greeted.set()
        if self._at_door is not None:
            self._at_door.cancel()
        if self._asking is not None and not self._asking.done():
            self._asking.set_exception(Refusal(why))
        self._on_end(self)
