"""What the media plane tells the rest of the server, in the server's own words. The control messages stay behind this door."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """What the recorder of a room must know. The key reaches no log: it is not shown."""

    path: Path
    key: bytes = field(repr=False)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """How the journal of a room stands: `recording`, `closed`, `failed` with the worker's words for the cause."""

    state: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """One slot of a peer and who is in it (None: nobody)."""

    slot: int
    audio_mid: str | None
    video_mid: str | None
    seat: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class JoinedFacts:
    """The worker's answer to an offer."""

    answer: str
    slots: tuple[SlotFacts, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """One person's line as the worker measured it over its last window; loss as a share of 1."""

    loss_up: float
    loss_down: float
    rtt_ms: float | None
    up_bps: int
    silent_s: float


@dataclass(frozen=True, slots=True)
class StandingPeer:
    """A peer that a worker holds while this process did not follow it. `sources`: what it was last asked to send; `silenced`: of these, what is paused."""

    seat: str
    number: int
    phase: str
    silenced: frozenset[str] = frozenset()
    slots: tuple[SlotFacts, ...] = ()
    short: int = 0
    sources: frozenset[str] = frozenset()
    speaks: bool = False
