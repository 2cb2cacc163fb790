"""A place on the bus (NATS): what is for us arrives here, what we say goes out in order, and we are told when the broker is away.

Everybody on the bus has one name, and everything sent to him one subject, `laizuo.to.<name>.<place>`; `laizuo.news.<kind>` is for all.
A connection to the broker is never mended, another one is made: so nothing that was said before an outage arrives after it, and who
follows `on_change` knows that something may have been lost. The broker says at once when nobody has a name (`Said.nobody`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

log = logging.getLogger(__name__)

RETRY_S: Final = (0.05, 0.1, 0.2, 0.5)  # a broker that was restarted is there within a second; the last one repeats
CONNECT_S: Final = 2
MAX_UNSENT: Final = 20_000  # messages; a broker that takes nothing for so long is as good as gone
NEWS: Final = "laizuo.news."
NOBODY: Final = "503"  # the broker's answer to what nobody has subscribed to


class BusMissing(Exception):
    """The client library is not installed; the text says what to do."""


class BusAway(ConnectionError):
    """There is no connection to the broker now."""


@dataclass(frozen=True, slots=True)
class Said:
    """What arrived. `answer`: the address of who wants an answer, or empty. `nobody`: the broker's word that what we sent reached nobody."""

    body: bytes
    answer: str = ""
    nobody: bool = False


Take = Callable[[Said], None]


def address(name: str, place: str) -> str:
    """The subject of a place of somebody. Both are words of [A-Za-z0-9_-]."""
    return f"laizuo.to.{name}.{place}"


class Bus:
    """One process on the bus. `keep` runs until it is cancelled; everything else is called on its loop and does not block.

    url  nats://[user:password@]host[:port], several with commas
    me   our name, of no other process
    """

    def __init__(self, url: str, me: str) -> None:
        """Raises BusMissing."""
        try:
            import nats.aio.client  # noqa: PLC0415  # an optional part: only who has more than one machine needs it
        except ImportError:
            raise BusMissing("a bus needs the optional part nats (pip install 'laizuo[nats]')") from None
        self.me = me
        self._client: Callable[[], Client] = nats.aio.client.Client
        self._servers = [server.strip() for server in url.split(",")]
        self._places: dict[str, Take] = {}
        self._news: dict[str, Take] = {}
        self._followers: list[Callable[[bool], None]] = []
        self._out: asyncio.Queue[tuple[str, bytes, str]] | None = None  # None while the broker is away
        self._since = 0.0

    @property
    def is_up(self) -> bool:
        return self._out is not None

    def up_for_s(self) -> float:
        """How long the broker has been there without a break; 0 while it is away."""
        return time.monotonic() - self._since if self.is_up else 0.0

    def on(self, place: str, take: Take) -> None:
        """What is sent to this place of ours goes to `take`."""
        self._places[place] = take

    def off(self, place: str) -> None:
        self._places.pop(place, None)

    def on_news(self, kind: str, take: Take) -> None:
        """What anybody tells all under this word."""
        self._news[kind] = take

    def on_change(self, follower: Callable[[bool], None]) -> None:
        """Called with True when the broker is there, with False when it is gone."""
        self._followers.append(follower)

    def forget(self, follower: Callable[[bool], None]) -> None:
        """Do not call this one any more."""
        self._followers.remove(follower)

    def send(self, to: str, body: bytes, answer_at: str = "") -> None:
        """Say something to one address, after everything said before; `answer_at` is a place of ours. Raises BusAway."""
        self._put(to, body, address(self.me, answer_at) if answer_at else "")

    def tell(self, kind: str, body: bytes) -> None:
        """Say something to all. Raises BusAway."""
        self._put(NEWS + kind, body, "")

    async def keep(self) -> None:
        """Be connected; until cancelled."""
        from nats.errors import Error  # noqa: PLC0415

        attempt = 0
        while True:
            try:
                await self._once()
                attempt = 0
            except (OSError, Error, TimeoutError) as error:
                if attempt == 0:
                    log.warning("the bus cannot be reached (%s); trying again", type(error).__name__)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    # ------------------------------------------------------------ inside

    def _put(self, subject: str, body: bytes, answer: str) -> None:
        if self._out is None:
            raise BusAway("the bus is away")
        try:
            self._out.put_nowait((subject, body, answer))
        except asyncio.QueueFull:
            raise BusAway("the bus takes nothing") from None

    async def _once(self) -> None:
        """One connection from its beginning to its end."""
        ended = asyncio.Event()

        async def closed() -> None:
            ended.set()

        client = self._client()
        try:
            await client.connect(
                self._servers,
                name=self.me,
                error_cb=_say_error,
                closed_cb=closed,
                allow_reconnect=False,
                connect_timeout=CONNECT_S,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=2,
            )
            await client.subscribe(address(self.me, ">"), cb=self._take)
            await client.subscribe(f"{NEWS}*", cb=self._take_news)
            await client.flush(CONNECT_S)
            await self._use(client, ended)
        finally:
            with contextlib.suppress(Exception):  # it may be half open, and is given up either way
                await client.close()

    async def _use(self, client: Client, ended: asyncio.Event) -> None:
        out = self._out = asyncio.Queue(MAX_UNSENT)
        self._since = time.monotonic()
        writing = asyncio.create_task(_write(client, out, ended), name="bus-writer")
        log.info("the bus is there")
        self._changed(True)
        try:
            await ended.wait()
            log.warning("the bus is away")
        finally:
            self._out = None
            writing.cancel()
            self._changed(False)
            await asyncio.gather(writing, return_exceptions=True)

    def _changed(self, is_up: bool) -> None:
        for follower in list(self._followers):
            follower(is_up)

    async def _take(self, message: Msg) -> None:
        place = message.subject.removeprefix(address(self.me, ""))
        _hand_over(self._places.get(place), message)

    async def _take_news(self, message: Msg) -> None:
        _hand_over(self._news.get(message.subject.removeprefix(NEWS)), message)


def _hand_over(take: Take | None, message: Msg) -> None:
    if take is None:
        return
    said = Said(message.data, message.reply, (message.headers or {}).get("Status") == NOBODY)
    try:
        take(said)
    except Exception:
        log.exception(
            "what came over the bus could not be taken"
        )  # the root of the client's task: the next one is taken


async def _write(client: Client, out: asyncio.Queue[tuple[str, bytes, str]], ended: asyncio.Event) -> None:
    try:
        while True:
            subject, body, answer = await out.get()
            if len(body) > client.max_payload:
                log.error("%d bytes are more than the broker takes (%d): they are lost", len(body), client.max_payload)
                continue
            await client.publish(subject, body, reply=answer)
    except Exception as error:
        log.warning("the bus takes nothing: %s", type(error).__name__)
    finally:
        ended.set()


async def _say_error(error: Exception) -> Any:
    log.debug("bus: %s", type(error).__name__)
