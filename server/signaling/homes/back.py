"""At the web process that leads a session: lines whose sockets are at others (BUS.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from server.errors import log_unexpected
from server.mediaplane.reach.bus import BusAway, address
from server.sessions.seats import Entry, NoEntry
from server.signaling.arriving import AWAY, seat
from server.signaling.homes import front as fronts
from server.signaling.homes import words
from server.signaling.messages import BadMessage, parse, render
from server.tasks import end

if TYPE_CHECKING:
    from server.mediaplane.reach.bus import Bus, Said
    from server.signaling.loop import SessionLoop
    from server.signaling.messages import ServerMessage
    from server.signaling.room.effects import LineId
    from server.signaling.rooms import Rooms

log = logging.getLogger("laizuo.signaling")


class FarLine:
    """One line of another process, as the session sees it."""

    def __init__(self, back: Back, number: LineId, name: str, front: str) -> None:
        self.number = number
        self.name = name
        self.front = front
        self.session: SessionLoop | None = None
        self.heard = 1  # its arrival
        self._back = back
        self._said = 0

    def next(self) -> int:
        """The number of the next word to the front."""
        self._said += 1
        return self._said

    def say(self, message: ServerMessage) -> None:
        self._back.send(self, words.Say(line=self.name, number=self.next(), text=render(message)))

    def hang(self) -> None:
        self._back.send(self, words.Hang(line=self.name, number=self.next()))
        self._back.forget(self)


class Back:
    """All lines of others in sessions of this process."""

    def __init__(self, bus: Bus, rooms: Rooms) -> None:
        self._bus = bus
        self._rooms = rooms
        self._lines: dict[str, FarLine] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        bus.on(words.PLACE, self._take)
        bus.on_change(lambda _: self._lose(list(self._lines.values())))

    async def close(self) -> None:
        """The process stops: the pages come back, to whoever leads then."""
        self._is_closed = True
        await end(*self._tasks)
        for line in list(self._lines.values()):
            line.hang()

    def send(self, line: FarLine, word: words.Word) -> None:
        """To the front. What cannot be sent is lost with the outage of the bus, which ends the line."""
        with contextlib.suppress(BusAway):
            self._bus.send(address(line.front, fronts.PLACE), words.write(word), f"nobody-{line.front}")

    def forget(self, line: FarLine) -> None:
        self._lines.pop(line.name, None)

    # ------------------------------------------------------------ inside

    def _take(self, said: Said) -> None:
        word = words.read(said.body)
        if isinstance(word, words.Still):
            return
        if isinstance(word, words.Arrive) and not self._is_closed:
            self._spawn(word)
            return
        line = self._lines.get(word.line)
        if line is None:
            self._no(word.line)
            return
        line.heard += 1
        if word.number != line.heard or isinstance(word, words.Gone):
            self._lose([line])
            self._no(word.line)
        elif isinstance(word, words.Told) and line.session is not None:
            self._tell(line, line.session, word.text)

    def _tell(self, line: FarLine, session: SessionLoop, text: str) -> None:
        try:
            session.receive(line, parse(text))
        except BadMessage as error:  # the front has read it already: another version of us
            log.error("a message from another web process cannot be read: %s", error)

    def _spawn(self, word: words.Arrive) -> None:
        task = asyncio.create_task(self._arrive(word), name="far-arrival")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _arrive(self, word: words.Arrive) -> None:
        line = FarLine(self, self._rooms.next_line(), word.line, word.front)
        self._bus.on(f"nobody-{word.front}", lambda _: self._lose(self._of(word.front)))
        self._lines[word.line] = line
        entry = Entry(word.seat, word.session, word.connection, word.resume, word.resumed)
        came: SessionLoop | NoEntry | None = None
        try:
            if loop := await self._rooms.of(word.session):
                line.session = loop
                came = await seat(self._rooms, loop, line, entry, word.media)
        except AWAY:
            came = None
        except Exception as error:
            log_unexpected(error)
        if self._lines.get(word.line) is not line:  # the bus was away meanwhile
            if line.session is not None:
                line.session.drop_line(line)
        elif came is None or isinstance(came, NoEntry):
            self.forget(line)
            self.send(line, words.No(line=line.name, number=line.next(), why=came.why if came else None))

    def _of(self, front: str) -> list[FarLine]:
        return [line for line in self._lines.values() if line.front == front]

    def _no(self, name: str) -> None:
        """A line that we do not know (any more): its page comes back."""
        front = name.partition(".")[0]
        with contextlib.suppress(BusAway):
            self._bus.send(address(front, fronts.PLACE), words.write(words.No(line=name, number=0)))

    def _lose(self, lost: list[FarLine]) -> None:
        """Their sockets are gone, or nobody knows what became of them."""
        for line in lost:
            self.forget(line)
            if line.session is not None:
                line.session.drop_line(line)
