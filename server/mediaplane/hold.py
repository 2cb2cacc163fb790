"""What the media plane holds: a wanted room, who follows it, and what its recorder must know."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.db import Connection
    from server.mediaplane.facts import JournalPlace, Measured, RecordFacts, SlotFacts, StandingPeer
    from server.mediaplane.placement import Owner

log = logging.getLogger("laizuo.mediaplane")


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """A room that is wanted. `recorded` by the procedure's policy."""

    room: str
    session: str
    procedure: str
    recorded: bool


class CannotRecord(Exception):
    """A room that must be recorded cannot be: it is not opened without."""


class RoomClosedMeanwhile(Exception):
    """The session ended while its room was being placed."""


class RoomListener(Protocol):
    """Who follows one room. Called on the event loop, must not block. `number` is the worker's connection number of a peer."""

    def room_ready(self, room: str, record: RecordFacts | None, is_replacement: bool) -> None:
        """A worker has opened the room; with a replacement all peers of the worker before are gone."""

    def room_adopted(self, room: str, record: RecordFacts | None, peers: list[StandingPeer]) -> None:
        """A worker still has the room: this is how it stands."""

    def room_lost(self, room: str) -> None:
        """The worker that had the room is gone; another is being looked for."""

    def room_failed(self, room: str) -> None:
        """No worker could open the room; it is tried again."""

    def recording_agreed(self, room: str, recorded: bool) -> None:
        """An adopted room was recorded otherwise than kept; now it is as kept."""

    def peer_changed(self, room: str, seat: str, number: int, state: str, cause: str | None) -> None:
        """A peer is `connecting`, `connected`, `reconnecting` or `gone`."""

    def slots_changed(self, room: str, seat: str, number: int, short: int, slots: tuple[SlotFacts, ...]) -> None:
        """Who is in which slot of one peer; `short`: streams that found none."""

    def layers_wanted(self, room: str, seat: str, number: int, source: str, send: tuple[str, ...]) -> None:
        """Which layers of its picture one peer shall send."""

    def voices_heard(self, room: str, seats: tuple[str, ...]) -> None:
        """Who speaks in a room now; nothing of who is in another."""

    def lines_measured(self, room: str, lines: Mapping[str, Measured]) -> None:
        """Every two seconds, by seat."""

    def record_changed(self, room: str, record: RecordFacts) -> None:
        """The journal was closed, or failed."""


class RecordingPlan(Protocol):
    """What the recorder of a room must know; the key comes from server/recordings."""

    async def place(self, conn: Connection, spec: RoomSpec) -> JournalPlace:
        """Where the journal of the room goes, its key and its facts. Raises CannotRecord."""


@dataclass(slots=True, eq=False)
class Hold:
    """One wanted room and who has it."""

    spec: RoomSpec
    listener: RoomListener
    owner: Owner | None = None  # set only while its worker answers
    going_to: str | None = None  # the worker that is being asked to open it
    asked: dict[str, Owner] = field(default_factory=dict)  # by worker: has been asked to open it, and perhaps did
    was_ready: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    unowned: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None
    seats: set[str] = field(default_factory=set)

    def worker(self) -> str | None:
        """Whom the room loads, now or in a moment."""
        return self.owner.worker if self.owner else self.going_to

    def everywhere(self) -> list[Owner]:
        """Whoever has it, or may have it."""
        return [*self.asked.values(), *([self.owner] if self.owner else [])]

    def own(self, owner: Owner) -> None:
        """Its worker has opened it."""
        self.asked.pop(owner.worker, None)
        self.owner, self.going_to = owner, None
        self.unowned.clear()
        log.info("room %s: worker %s, epoch %d", self.spec.room, owner.worker, owner.epoch)

    def lose(self) -> None:
        """Nobody has it any more: it is placed anew."""
        self.owner = None
        self.ready.clear()
        self.seats.clear()
        self.listener.room_lost(self.spec.room)
        self.unowned.set()
