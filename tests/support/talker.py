"""Somebody who really talks: a page of the room protocol with a headless RTC client behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.eventually import eventually
from tests.support.room_page import RoomPage, person
from tests.support.rtc_client import RtcClient

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient


@dataclass(slots=True)
class Talker:
    """`page` is the newest line, `rtc` the newest peer connection; `name` stands in every packet."""

    name: str
    page: RoomPage
    rtc: RtcClient
    peer: int = 0

    @classmethod
    async def enter(cls, client: TestClient[Any, Any], name: str, token: str) -> Talker:
        """Join, offer, connect, and start to talk."""
        talker = cls(name, await RoomPage.joined(client, token), RtcClient(name))
        await talker.connect()
        return talker

    @property
    def seat(self) -> str:
        welcome = next(message for message in self.page.heard if message["type"] == "welcome")
        return str(welcome["you"]["seat"])

    async def connect(self) -> None:
        """Offer with the present RTC client and talk."""
        self.peer += 1
        await self.page.say(
            {"type": "offer", "peer": self.peer, "revision": 1, "sdp": self.rtc.offer(), "sources": self.rtc.sources}
        )
        answer = await self.page.hears("answer", lambda message: message["peer"] == self.peer)
        await self.rtc.connect(answer["sdp"])
        await self.page.hears("person", person(self.seat, state="connected"))
        self.rtc.start_media()

    async def make_again(self) -> None:
        """As a page does on `rejoin`: a new peer connection."""
        await self.rtc.close()
        self.rtc = RtcClient(self.name)
        await self.connect()

    async def hears(self, other: Talker, more: int = 20) -> None:
        """Wait until so many more packets of the other have come."""
        before = len(self.rtc.heard_from(other.name))

        def missing() -> str | None:
            count = len(self.rtc.heard_from(other.name)) - before
            return None if count >= more else f"{self.name} has {count} new packets of {other.name}"

        await eventually(missing)

    async def close(self) -> None:
        await self.rtc.close()
        await self.page.close()
