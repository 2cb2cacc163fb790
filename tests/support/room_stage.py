"""Plays a transcript through the real web process: WebSockets, PostgreSQL, and a scripted media worker behind the control socket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from media.control.messages import Join
from server.signaling.rooms import ROOMS
from tests.support.core_stage import PRIVATE
from tests.support.eventually import eventually
from tests.support.room_page import RoomPage
from tests.support.running_session import RunningSession, admit_beforehand, invite, run_session
from tests.support.transcripts import Step, Transcript, check

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from server.db import Pool
    from tests.support.scripted_worker import ScriptedWorker

NO_TOKEN = "A" * 43


@dataclass(slots=True)
class RoomStage:
    """`open` once, then `play`."""

    client: TestClient[Any, Any]
    pool: Pool
    worker: ScriptedWorker
    transcript: Transcript
    session: RunningSession | None = None
    pages: dict[str, RoomPage] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _resume: dict[str, str] = field(default_factory=dict)

    async def open(self) -> None:
        """Make the session as the first line of the transcript says."""
        seats = self.transcript.seats
        procedure = "notarization" if self.transcript.recorded else "mediation"
        session = self.session = await run_session(self.pool, procedure, (seats["a1"]["name"], seats["b1"]["name"]))
        for name in list(session.seats):
            session.seats[f"{name}1"] = session.seats.pop(name)
            session.tokens[f"{name}1"] = session.tokens.pop(name)
        for alias, given in seats.items():
            if alias not in session.seats:
                await invite(self.pool, session, alias, given["role"], given["name"])
                if given.get("state") == "admitted":
                    await admit_beforehand(self.pool, session, alias)
        await self._room_is_open()

    async def play(self) -> None:
        """All steps, then make sure that nothing more was said."""
        for step in self.transcript.steps:
            await self._stimulate(step.stimulus)
            check(self.transcript, step, await self._heard(step))
        await self._nothing_more()

    async def close(self) -> None:
        for page in self.pages.values():
            await page.close()

    # ------------------------------------------------------------ stimuli

    async def _stimulate(self, stimulus: dict[str, Any]) -> None:
        match stimulus:
            case {"from": who, "say": message}:
                await (await self._page(who)).say(self._real(json.dumps(message)))
            case {"raw": who, "text": text}:
                await (await self._page(who)).say(text)
            case {"drop": who}:
                await self.pages.pop(who).close()
                self._seen.pop(who, None)
            case {"worker": event}:
                self.worker.tell(self._event(event))
            case {"lost": True}:
                await self.worker.die()
            case {"replaced": True}:
                await self.worker.start()
            case _:
                raise AssertionError(f"only the core can play {stimulus}")

    async def _page(self, who: str) -> RoomPage:
        page = self.pages.get(who)
        if page is None or page.closed_with is not None:
            page = self.pages[who] = await RoomPage.open(self.client)
            self._seen[who] = 0
        return page

    def _event(self, event: dict[str, Any]) -> dict[str, Any]:
        assert self.session is not None
        real = json.loads(self._real(json.dumps(event)))
        real["room"] = self.session.room_id
        if real["event"] == "record_state":
            return {**real, "head": "00", "block": 1}
        if real["event"] == "speaking":
            return {**real, "seats": [self._real_seat(seat) for seat in real["seats"]]}
        if real["event"] == "quality":
            more = {"down_bps": 0, "jitter_ms": 0.0}
            return {**real, "seats": {self._real_seat(seat): line | more for seat, line in real["seats"].items()}}
        joins = [request for request in self.worker.requests(Join) if request.seat == real["seat"]]
        return {**real, "connection": joins[-1].connection}

    def _real_seat(self, alias: str) -> str:
        assert self.session is not None
        return self.session.seats.get(alias, alias)

    def _real(self, text: str) -> str:
        """Aliases of seats and tokens as what they stand for."""
        assert self.session is not None
        message = json.loads(text)
        for key in ("token", "resume"):
            if key in message:
                message[key] = self._token(message[key])
        if "seat" in message:
            message["seat"] = self._real_seat(message["seat"])
        if "seats" in message and isinstance(message["seats"], list):
            message["seats"] = [self._real_seat(seat) for seat in message["seats"]]
        if message.get("room") == PRIVATE:
            message["room"] = self._private_room()
        for slot in message.get("slots", []):
            slot["seat"] = slot["seat"] and self._real_seat(slot["seat"])
        return json.dumps(message)

    def _private_room(self) -> str:
        """The room of the private talk, as the pages were told it."""
        told = [message.get("person", {}) for page in self.pages.values() for message in page.heard]
        return next((person["room"] for person in reversed(told) if person.get("room")), PRIVATE)

    def _token(self, text: str) -> str:
        assert self.session is not None
        kind, _, alias = text.partition(":")
        tokens = {"seat": self.session.tokens, "resume": self._resume}.get(kind, {})
        return tokens.get(alias, NO_TOKEN if kind in ("seat", "resume") else text)

    # ------------------------------------------------------------ what is heard

    async def _heard(self, step: Step) -> dict[str, list[dict[str, Any]]]:
        """As many messages a line as the transcript has; a missing one is waited for."""
        wanted: dict[str, int] = {}
        for line in step.heard:
            wanted[line["to"]] = wanted.get(line["to"], 0) + 1
        for who, count in wanted.items():
            await eventually(lambda who=who, count=count: self._missing(step, who, count))  # type: ignore[misc]
        return {who: self._take(who, count) for who, count in wanted.items()}

    def _missing(self, step: Step, who: str, count: int) -> str | None:
        there = self._all(who)[self._seen.get(who, 0) :]
        return (
            None if len(there) >= count else f"{self.transcript.name}.jsonl:{step.number}: {who} has heard only {there}"
        )

    def _take(self, who: str, count: int) -> list[dict[str, Any]]:
        at = self._seen.get(who, 0)
        self._seen[who] = at + count
        return self._all(who)[at : at + count]

    def _all(self, who: str) -> list[dict[str, Any]]:
        assert self.session is not None
        page = self.pages[who]
        text = json.dumps(page.heard)
        for alias, seat in self.session.seats.items():
            text = text.replace(seat, alias)
        heard: list[dict[str, Any]] = json.loads(text)
        for message in heard:
            if message["type"] == "welcome":
                self._resume[who.partition("#")[0]] = message["resume"]
        return heard + ([{"hangs": True}] if page.closed_with is not None else [])

    async def _nothing_more(self) -> None:
        """A ping comes back behind everything that was said before it."""
        for who, page in self.pages.items():
            if page.closed_with is None:
                await page.say({"type": "ping", "t": 0.0, "rid": "last"})
                await page.hears("pong", lambda message: message.get("rid") == "last")
                more = [message for message in self._all(who)[self._seen.get(who, 0) :] if message.get("rid") != "last"]
                assert not more, f"{self.transcript.name}: at the end {who} heard more: {more}"

    async def _room_is_open(self) -> None:
        assert self.session is not None
        assert self.client.app is not None
        loop = await self.client.app[ROOMS].of(self.session.session_id)
        assert loop is not None
        room = self.session.room_id
        state = "recording" if self.transcript.recorded else "none"

        def not_yet() -> str | None:
            if room not in self.worker.rooms:
                return "the worker was not asked for the room"
            now = loop.session.recording_of(room).state
            return None if now == state else f"recording is {now}"

        await eventually(not_yet)
