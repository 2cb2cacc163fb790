"""Where the socket is: its line's words go to the web process that leads the session, and back (BUS.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from server.mediaplane.reach.bus import BusAway, address
from server.sessions.seats import NoEntry
from server.signaling.homes import words
from server.signaling.messages import parse_server

if TYPE_CHECKING:
    from server.mediaplane.reach.bus import Bus, Said
    from server.sessions.seats import Entry
    from server.signaling.line import RoomLine
    from server.signaling.messages import AnyClientMessage

log = logging.getLogger("laizuo.signaling")

ARRIVE_S: Final = 6.0  # the leader may have to read the session and to take its rooms over first
PLACE: Final = "fronts"


class FarSession:
    """A session that another web process leads, as one line sees it: what SessionLoop is to a line of this process."""

    def __init__(self, front: Front, leader: str, session: str, line: RoomLine) -> None:
        self.leader = leader
        self.session = session
        self.name = f"{front.me}.{line.number}"
        self.line = line
        self.seated: asyncio.Future[NoEntry | None] = asyncio.get_running_loop().create_future()
        self.heard = 0
        self._front = front
        self._said = 0

    def next(self) -> int:
        """The number of the next word to the leader."""
        self._said += 1
        return self._said

    def receive(self, line: RoomLine, message: AnyClientMessage) -> None:
        """A message of the page."""
        self._front.send(
            self, words.Told(line=self.name, number=self.next(), text=msgspec.json.encode(message).decode())
        )

    def drop_line(self, line: RoomLine) -> None:
        """The socket is gone."""
        self._front.send(self, words.Gone(line=self.name, number=self.next()))
        self._front.forget(self)


class Front:
    """All lines of this process that are in sessions of others."""

    def __init__(self, bus: Bus) -> None:
        self.me = bus.me
        self._bus = bus
        self._lines: dict[str, FarSession] = {}
        bus.on(PLACE, self._take)
        bus.on_change(lambda _: self._lose(list(self._lines.values())))

    async def arrive(self, leader: str, line: RoomLine, entry: Entry, media: bool) -> FarSession | NoEntry:
        """Bring a line to its session. Raises BusAway, TimeoutError: the leader is gone, or is not there yet."""
        far = FarSession(self, leader, entry.session_id, line)
        self._lines[far.name] = far
        self._bus.on(_nobody(leader), lambda _: self._lose(self._of(leader)))
        word = words.Arrive(
            line=far.name,
            number=far.next(),
            front=self.me,
            session=entry.session_id,
            seat=entry.seat,
            connection=entry.connection,
            resume=entry.resume,
            resumed=entry.resumed,
            media=media,
        )
        try:
            self.send(far, word)
            async with asyncio.timeout(ARRIVE_S):
                no = await far.seated
        except BaseException:
            if far.name in self._lines:  # it may be let in yet
                self.send(far, words.Gone(line=far.name, number=far.next()))
            self.forget(far)
            raise
        return no or far

    def send(self, far: FarSession, word: words.Word) -> None:
        """To the leader. What cannot be sent now is lost with its line."""
        with contextlib.suppress(BusAway):
            self._bus.send(address(far.leader, words.PLACE), words.write(word), _nobody(far.leader))
            return
        self._lose([far])

    def forget(self, far: FarSession) -> None:
        self._lines.pop(far.name, None)
        if not far.seated.done():
            far.seated.cancel()

    def ask_leaders(self) -> None:
        """Once a second: the broker says who is not there any more."""
        for leader in {far.leader for far in self._lines.values()}:
            self.send(self._of(leader)[0], words.Still(line="", number=0))

    def sessions(self) -> list[str]:
        """The sessions of all our lines."""
        return list({far.session for far in self._lines.values()})

    def check(self, leaders: dict[str, str]) -> None:
        """Lines whose session has been taken by another come back, also where nobody could say that its leader is gone."""
        self._lose([far for far in self._lines.values() if leaders.get(far.session, far.leader) != far.leader])

    # ------------------------------------------------------------ inside

    def _of(self, leader: str) -> list[FarSession]:
        return [far for far in self._lines.values() if far.leader == leader]

    def _take(self, said: Said) -> None:
        word = words.read(said.body)
        far = self._lines.get(word.line)
        if far is None:
            return
        far.heard += 1
        if word.number != far.heard:
            log.warning("a word between web processes was lost; its line comes back")
            self.send(far, words.Gone(line=far.name, number=far.next()))
            self._lose([far])
            return
        match word:
            case words.Say():
                self._let_in(far)
                far.line.say(parse_server(word.text))
            case words.Hang():
                self._let_in(far)
                self._lines.pop(far.name, None)
                far.line.hang()
            case words.No():
                self._refuse(far, word)
            case _:
                pass

    def _let_in(self, far: FarSession) -> None:
        if not far.seated.done():
            far.seated.set_result(None)

    def _refuse(self, far: FarSession, word: words.No) -> None:
        if word.why is not None and not far.seated.done():
            self._lines.pop(far.name, None)
            far.seated.set_result(NoEntry(word.why))
        else:
            self._lose([far])

    def _lose(self, lost: list[FarSession]) -> None:
        """Their leader is gone: the sockets close without a farewell of the room, so that the pages come back by themselves."""
        for far in lost:
            self._lines.pop(far.name, None)
            if not far.seated.done():
                far.seated.set_exception(BusAway(far.leader))
                far.seated.exception()  # who waits may have given up
            else:
                far.line.hang()


def _nobody(leader: str) -> str:
    """The place where the broker's word about a leader arrives."""
    return f"nobody-{leader}"
