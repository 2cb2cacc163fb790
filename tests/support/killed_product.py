"""A real product with a recorded session whose parts are killed: headless people who come back as pages do, and what they sent."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import av

from media.core.rtcp import RtcpError
from media.record.layout import RTP, split_records
from media.record.packs.archive import content, read_members
from media.record.reader import BlockSeen, Opened, Segment, SessionKeys, examine, open_chunk
from server.access.identify import CSRF_HEADER
from server.access.tokens import csrf_of
from tests.support.children import children_of, command_of
from tests.support.eventually import eventually
from tests.support.product import Product
from tests.support.room_page import RoomPage
from tests.support.rtc_client import RtcClient
from tests.support.synthetic_session import Person as Pictured
from tests.support.synthetic_session import encode_video

SILENCE = b"\xf8\xff\xfe"
VICTIMS = ("w0", "web", "postgres")
BACK_WITHIN_S = 45.0
CONNECT_S = 5.0  # whose worker was killed meanwhile gives up and comes again, well within the time above


@cache
def key_frame() -> bytes:
    """A VP8 key frame that fits one packet."""
    _, frame = next(encode_video(Pictured("a", "VP8", size=(64, 48)), 0.0, 0.1))
    assert len(frame) < 1100
    return frame


class Camera(RtcClient):
    """Voice each 20 ms, a real picture each 40 ms; remembers when each (ssrc, number) was sent."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.sent: dict[tuple[int, int], float] = {}

    async def _talk(self) -> None:
        while True:
            self._number += 1
            self.note("audio", self.send_media("audio", SILENCE, marker=False))
            if self._number % 2:
                self.note("video", self.send_media("video", b"\x10" + key_frame(), marker=True))
            await asyncio.sleep(0.02)

    def note(self, kind: str, seq: int) -> None:
        self.sent[self.audio_ssrc if kind == "audio" else self.video_ssrc, seq] = self._loop.time()

    def received_packets(self) -> int:
        return sum(map(len, self.received.values()))


@dataclass
class Connection:
    """One peer connection of a person, and when its worker ended (inf: it did not)."""

    rtc: Camera
    ended: float = float("inf")


@dataclass
class Guest:
    """Somebody in the room, as a page behaves: comes back when the line breaks, offers anew when told."""

    web: aiohttp.ClientSession
    name: str
    token: str
    connections: list[Connection] = field(default_factory=list)
    resume: str | None = None
    page: RoomPage | None = None
    _keeper: asyncio.Task[None] | None = None
    _peer: int = 0

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, AssertionError, TimeoutError, OSError):
                await self._visit()
            await asyncio.sleep(0.2)

    async def _visit(self) -> None:
        page = await RoomPage.open(self.web)  # type: ignore[arg-type]  # a ClientSession with a base URL does the same
        try:
            key = {"resume": self.resume} if self.resume else {"token": self.token}
            await page.say({"type": "join", **key, "media": True})
            heard = 0
            while page.closed_with is None:
                for message in page.heard[heard:]:
                    heard += 1
                    await self._take(page, message)
                await asyncio.sleep(0.02)
        finally:
            self.page = None
            await page.close()

    async def _take(self, page: RoomPage, message: dict[str, Any]) -> None:
        match message:
            case {"type": "welcome", "resume": resume, "media": media}:
                self.resume, self.page = resume, page
                if media == "new":
                    await self._offer(page)
            case {"type": "rejoin"}:
                await self._offer(page)
            case {"type": "answer", "peer": self._peer, "sdp": sdp}:
                await self.connections[-1].rtc.connect(sdp, CONNECT_S)
                self.connections[-1].rtc.start_media()
            case {"type": "error", "code": "bad_token"}:
                self.resume = None
            case {"type": "error", "rid": "offer"}:
                await asyncio.sleep(0.5)
                await self._offer(page)

    async def _offer(self, page: RoomPage) -> None:
        self._peer += 1
        rtc = Camera(f"{self.name}{self._peer}")
        if self.connections:
            self.connections[-1].ended = min(self.connections[-1].ended, asyncio.get_running_loop().time())
            await self.connections[-1].rtc.close()
        self.connections.append(Connection(rtc))
        offer = {"peer": self._peer, "revision": 1, "sdp": rtc.offer(), "sources": rtc.sources}
        await page.say({"type": "offer", "rid": "offer", **offer})

    async def is_heard(self) -> str | None:
        """Packets of the other are coming now."""
        if not self.connections or self.page is None:
            return f"{self.name} is not in the room"
        rtc = self.connections[-1].rtc
        before = rtc.received_packets()
        await asyncio.sleep(0.1)
        return None if rtc.received_packets() > before else f"{self.name} hears nobody"

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError, RtcpError):
                await self._keeper
        for connection in self.connections:
            await connection.rtc.close()


@dataclass
class Killed:
    """A session under fire."""

    product: Product
    web: aiohttp.ClientSession
    cookies: dict[str, str]
    session: str
    guests: list[Guest]
    kills: list[str] = field(default_factory=list)
    snapshots: list[dict[str, bytes]] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)

    async def send(self, path: str, body: object) -> Any:
        headers = _cookie(self.cookies) | {CSRF_HEADER: csrf_of(next(iter(self.cookies.values())))}
        async with self.web.post(path, json=body, headers=headers) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def get(self, path: str) -> bytes:
        async with self.web.get(path, headers=_cookie(self.cookies)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def all_hear(self) -> None:
        for guest in self.guests:
            await eventually(guest.is_heard, BACK_WITHIN_S)

    def journal(self) -> Iterator[Path]:
        yield from sorted((self.product.data / "journals" / self.session).glob("*/*.lzj"))

    async def kill(self, victim: str) -> None:
        """kill -9, keep what its journal held at that instant, wait until people hear each other again."""
        self.product.kill(victim)
        killed_at = asyncio.get_running_loop().time()
        self.kills.append(victim)
        self.snapshots.append({str(path): path.read_bytes() for path in self.journal()})
        if victim == "w0":
            for guest in self.guests:
                for connection in guest.connections:
                    connection.ended = min(connection.ended, killed_at)
        await eventually(self.is_ready, BACK_WITHIN_S)
        await self.all_hear()
        self.back_s.append(asyncio.get_running_loop().time() - killed_at)

    async def is_ready(self) -> str | None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self.web.get("/readyz", timeout=aiohttp.ClientTimeout(10)) as answer:
                return None if answer.status == 200 else f"/readyz answers {answer.status}"
        return "nobody answers"

    async def end(self) -> None:
        """The notary ends the session. Headless people go on sending into the closed room; nobody owes them anything."""
        now = asyncio.get_running_loop().time()
        for connection in (one for guest in self.guests for one in guest.connections):
            connection.ended = min(connection.ended, now)
        await eventually(self._ended, BACK_WITHIN_S)

    async def _ended(self) -> str | None:
        try:
            await self.send(f"/api/sessions/{self.session}/end", {"reason": "completed"})
        except (aiohttp.ClientError, OSError, AssertionError) as error:  # it may have to find the database again
            return str(error)
        return None

    async def kill_film_maker(self, within_s: float, after_s: float) -> bool:
        """kill -9 the job's own process `after_s` after it is seen, if it is seen and still there; the job begins again by itself."""
        found: list[int] = []

        def seen() -> str | None:
            found[:] = [pid for pid in children_of(self.product.pid("web")) if "media.record.film" in command_of(pid)]
            return None if found else "no film is being made"

        with contextlib.suppress(AssertionError):
            await eventually(seen, within_s)
            await asyncio.sleep(after_s)  # the instant of a kill is the point, not something to wait for
        alive = [pid for pid in found if command_of(pid)]
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills.append("film")
        return bool(alive)

    async def facts(self) -> dict[str, Any]:
        whole: dict[str, Any] = json.loads(await self.get(f"/api/sessions/{self.session}"))
        return whole

    async def films_ready(self, timeout_s: float = 180) -> dict[str, Any]:
        async def why() -> str | None:
            recording = (await self.facts())["recording"]
            ready = recording["state"] == "ready" and recording["pack"]["state"] == "ready"
            return None if ready else f"the recording is {recording['state']}, {recording['cause']}"

        await eventually(why, timeout_s)
        recording: dict[str, Any] = (await self.facts())["recording"]
        return recording

    def owed(self, within_s: float, settled_s: float) -> set[tuple[int, int]]:
        """What must be in the journal: sent more than `within_s` before its worker was killed, `settled_s` after the line stood."""
        owed = set()
        for connection in (one for guest in self.guests for one in guest.connections):
            sent = connection.rtc.sent
            begin = min(sent.values(), default=0.0) + settled_s
            last = min(connection.ended, max(sent.values(), default=0.0))
            owed |= {key for key, at in sent.items() if begin <= at < last - within_s}
        return owed

    def greatest_loss_s(self, there: set[tuple[int, int]], settled_s: float) -> float:
        """How long before the end of a connection its oldest packet was sent that is not in the journal; 0: nothing is missing."""
        losses = [0.0]
        for connection in (one for guest in self.guests for one in guest.connections):
            sent = connection.rtc.sent
            begin = min(sent.values(), default=0.0) + settled_s
            last = min(connection.ended, max(sent.values(), default=0.0))
            losses += [last - at for key, at in sent.items() if begin <= at < last and key not in there]
        return max(losses)


def packets_in_pack(pack: bytes) -> set[tuple[int, int]]:
    """(ssrc, number) of every packet in the pack's journals."""
    data = memoryview(pack)
    members = read_members(data)[0]
    keys = {
        entry["room"]: bytes.fromhex(entry["session_key"])
        for entry in json.loads(bytes(_named(data, members, "keys.json")))
    }
    found: set[tuple[int, int]] = set()
    for room, key in keys.items():
        ours = [m for m in members if m.name.startswith(f"journal/{room}/")]
        segments = [Segment(m.name.rsplit("/", 1)[1], content(data, m)) for m in ours]
        for seen in examine(segments):
            if isinstance(seen, BlockSeen):
                found |= set(_packets(seen, SessionKeys(key)))
    return found


def _packets(seen: BlockSeen, keys: SessionKeys) -> Iterator[tuple[int, int]]:
    for chunk in seen.block.chunks:
        opened = open_chunk(seen, chunk.index, keys) if chunk.stream is not None else None
        if isinstance(opened, Opened) and opened.plaintext is not None:
            for record in split_records(opened.plaintext):
                if record.kind == RTP:
                    yield int.from_bytes(record.body[8:12], "big"), int.from_bytes(record.body[2:4], "big")


def _named(data: memoryview, members: list[Any], name: str) -> memoryview:
    return content(data, next(member for member in members if member.name == name))


def plays(film: bytes) -> int:
    """Pictures that PyAV decodes of a film."""
    with av.open(io.BytesIO(film)) as container:
        return sum(1 for _ in container.decode(video=0)) if container.streams.video else 0


def _cookie(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


async def _cookies(web: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with web.get(url, allow_redirects=False) as answer:
        return {name: morsel.value for name, morsel in answer.cookies.items()}


@asynccontextmanager
async def recorded_session(product: Product, number: int) -> AsyncIterator[Killed]:
    """A notarial act with the notary and a guest who both talk."""
    async with aiohttp.ClientSession(product.url, cookie_jar=aiohttp.DummyCookieJar()) as web:
        async with web.get("/demo.json") as answer:
            demo = await answer.json()
        notary = next(person for person in demo["people"] if person["role"] == "notary")
        kiosk_url = demo["kiosks"][0]["url"]
        endpoint = kiosk_url.rsplit("/", 1)[1]
        kiosk = Killed(product, web, await _cookies(web, kiosk_url), "", [])
        act = Killed(product, web, await _cookies(web, notary["sign_in_url"]), "", [])
        request = {"service": "notarization", "request_key": f"kill-{number:08d}"}
        await kiosk.send(f"/api/kiosk/{endpoint}/tickets", request)
        called = await act.send("/api/desk/call-next", {})
        act.session = called["session"]
        link = await act.send(f"/api/sessions/{act.session}/invitations", {"name": "陈建国", "role": "party"})
        act.guests = [Guest(web, "a", called["room"]["token"]), Guest(web, "b", link["url"].rsplit("/", 1)[1])]
        try:
            for guest in act.guests:
                guest.start()
            await eventually(lambda: _admit(act, link["seat"]), BACK_WITHIN_S)
            await act.all_hear()
            yield act
        finally:
            for guest in act.guests:
                await guest.close()


async def _admit(act: Killed, seat: str) -> str | None:
    host, guest = act.guests
    if guest.page is not None:
        return None
    if host.page is None:
        return "the notary is not in the room"
    await host.page.say({"type": "admit", "seat": seat})
    await asyncio.sleep(0.3)
    return "the guest is not admitted"


def chance(seed: int) -> random.Random:
    return random.Random(f"kills {seed}")
