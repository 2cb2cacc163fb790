"""Every message of media/CONTROL.md as a type that validates it; `REPLIES` names the type of the `ok` of each request.

Reading and writing them: media/control/codec.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

PROTOCOL: Final = 1

Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Count = Annotated[int, Meta(ge=0)]
SessionKey = Annotated[bytes, Meta(min_length=32, max_length=32)]
Kind = Literal["audio", "video"]
PeerPhase = Literal["connecting", "connected", "reconnecting", "gone"]
UpPhase = Literal["started", "silent", "paused", "stopped"]
RecordPhase = Literal["recording", "closed", "failed"]
ErrorCode = Literal[
    "bad_request",
    "unknown_op",
    "unknown_room",
    "unknown_seat",
    "stale_epoch",
    "stale_connection",
    "bad_offer",
    "room_full",
    "draining",
    "record_failed",
    "unsupported",
    "internal",
]


# --- what messages are made of ----------------------------------------------------------------------------------------


class Message(Struct, frozen=True, kw_only=True):
    """A fact on the wire. Unknown fields are ignored, so that versions N and N+1 can talk."""


class Record(Message, frozen=True):
    """Where a room's journal goes, and the key it is encrypted with."""

    journal: Annotated[str, Meta(min_length=1, max_length=4096)]
    key: SessionKey
    facts: dict[str, Any] = {}

    def __repr__(self) -> str:  # the key must never reach a log
        return f"Record(journal={self.journal!r}, key=<hidden>, facts={self.facts!r})"


class RecordStatus(Message, frozen=True):
    """State of a room's journal: `head` is the last hash (hex), `block` its number."""

    state: RecordPhase
    head: str
    block: Count
    cause: str | None = None


class UpSummary(Message, frozen=True):
    """One stream a seat sends, as `hello` tells it."""

    source: Identifier
    kind: Kind
    paused: bool


class SlotState(Message, frozen=True):
    """One slot of a seat's peer and who is in it (null: nobody)."""

    slot: Count
    audio_mid: str | None
    video_mid: str | None
    seat: Identifier | None
    source: Identifier | None


class SeatSummary(Message, frozen=True):
    seat: Identifier
    connection: Count
    state: PeerPhase
    up: list[UpSummary]
    slots: list[SlotState] = []
    short: Count = 0
    speaks: bool = False


class RoomSummary(Message, frozen=True):
    room: Identifier
    session: Identifier
    epoch: Count
    record: RecordStatus | None
    seats: list[SeatSummary]


class UdpAddress(Message, frozen=True):
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)]


class MediaAddresses(Message, frozen=True):
    udp: list[UdpAddress]
    fingerprint: str


class UpMid(Message, frozen=True):
    """One sending m-line of an answered offer."""

    mid: str
    source: Identifier
    kind: Kind


class SeatQuality(Message, frozen=True):
    """Line of one person over the last window; `up` is from the person to us."""

    loss_up: float
    loss_down: float
    rtt_ms: float | None
    up_bps: Count
    down_bps: Count
    jitter_ms: float
    silent_s: float


# --- requests ---------------------------------------------------------------------------------------------------------


class Request(Struct, frozen=True, kw_only=True, tag_field="op"):
    id: Count


class Hello(Request, frozen=True, tag="hello"):
    protocol: int
    controller: Identifier


class OpenRoom(Request, frozen=True, tag="open_room"):
    room: Identifier
    session: Identifier
    epoch: Count
    capacity: Annotated[int, Meta(ge=1, le=1000)]
    record: Record | None = None


class CloseRoom(Request, frozen=True, tag="close_room"):
    room: Identifier
    epoch: Count
    reason: str


class SetRecord(Request, frozen=True, tag="record"):
    """Begin to record a room (or go on with its journal), or stop (`record` null)."""

    room: Identifier
    epoch: Count
    record: Record | None = None
    reason: str = ""


class Join(Request, frozen=True, tag="join"):
    room: Identifier
    epoch: Count
    seat: Identifier
    connection: Count
    offer: Annotated[str, Meta(max_length=200_000)]
    sources: dict[str, Identifier]
    label: dict[str, Any] = {}


class Leave(Request, frozen=True, tag="leave"):
    room: Identifier
    epoch: Count
    seat: Identifier
    connection: Count
    reason: str


class Pause(Request, frozen=True, tag="pause"):
    room: Identifier
    epoch: Count
    seat: Identifier
    source: Identifier
    paused: bool


class Move(Request, frozen=True, tag="move"):
    room: Identifier
    epoch: Count
    seat: Identifier
    to_room: Identifier
    to_epoch: Count


class Note(Request, frozen=True, tag="note"):
    room: Identifier
    epoch: Count
    kind: Identifier
    seat: Identifier | None = None
    data: dict[str, Any] = {}


class Seal(Request, frozen=True, tag="seal"):
    room: Identifier
    epoch: Count


class Stats(Request, frozen=True, tag="stats"):
    room: Identifier | None = None


class Drain(Request, frozen=True, tag="drain"):
    on: bool


class Ping(Request, frozen=True, tag="ping"):
    pass


AnyRequest = Hello | OpenRoom | CloseRoom | SetRecord | Join | Leave | Pause | Move | Note | Seal | Stats | Drain | Ping
RoomRequest = CloseRoom | SetRecord | Join | Leave | Pause | Move | Note | Seal


# --- replies ----------------------------------------------------------------------------------------------------------


class WorkerState(Message, frozen=True):
    """The `ok` of `hello`: everything the worker holds."""

    protocol: int
    worker: str
    incarnation: str
    pid: int
    draining: bool
    media: MediaAddresses
    rooms: list[RoomSummary]


class RoomOpened(Message, frozen=True):
    room: Identifier
    created: bool
    record: RecordStatus | None


class RoomShut(Message, frozen=True):
    """The `ok` of `close_room`."""

    closed: bool
    record: RecordStatus | None = None


class Joined(Message, frozen=True):
    answer: str
    up: list[UpMid]
    slots: list[SlotState]


class Left(Message, frozen=True):
    left: bool


class Paused(Message, frozen=True):
    paused: bool


class Moved(Message, frozen=True):
    moved: bool


class Noted(Message, frozen=True):
    block: int | None


class Sealed(Message, frozen=True):
    record: RecordStatus | None


class RoomStats(Message, frozen=True):
    seats: dict[str, SeatQuality]


class WorkerStats(Message, frozen=True):
    packets_in: Count
    packets_out: Count
    dropped: dict[str, Count]
    rooms: dict[str, RoomStats]


class Draining(Message, frozen=True):
    draining: bool
    rooms: Count


class Pong(Message, frozen=True):
    at: float


REPLIES: Final[dict[type[Request], type[Message]]] = {
    Hello: WorkerState,
    OpenRoom: RoomOpened,
    CloseRoom: RoomShut,
    SetRecord: Sealed,
    Join: Joined,
    Leave: Left,
    Pause: Paused,
    Move: Moved,
    Note: Noted,
    Seal: Sealed,
    Stats: WorkerStats,
    Drain: Draining,
    Ping: Pong,
}


class Refusal(Message, frozen=True):
    """The `error` of a reply."""

    code: ErrorCode
    message: str


class Reply(Message, frozen=True):
    """Exactly one of `ok` and `error` is there. `id` is null when the request had none."""

    id: int | None
    ok: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Refusal | msgspec.UnsetType = msgspec.UNSET


# --- events -----------------------------------------------------------------------------------------------------------


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    at: float


class PeerState(Event, frozen=True, tag="peer_state"):
    room: Identifier
    seat: Identifier
    connection: Count
    state: PeerPhase
    cause: Literal["left", "replaced", "removed", "consent", "dtls", "certificate", "room_closed"] | None = None


class UpState(Event, frozen=True, tag="up_state"):
    room: Identifier
    seat: Identifier
    source: Identifier
    kind: Kind
    state: UpPhase


class Slots(Event, frozen=True, tag="slots"):
    room: Identifier
    seat: Identifier
    connection: Count
    short: Count
    slots: list[SlotState]


class Layers(Event, frozen=True, tag="layers"):
    room: Identifier
    seat: Identifier
    connection: Count
    source: Identifier
    send: list[Identifier]


class Speaking(Event, frozen=True, tag="speaking"):
    room: Identifier
    seats: list[Identifier]


class Quality(Event, frozen=True, tag="quality"):
    room: Identifier
    seats: dict[str, SeatQuality]


class RecordState(Event, frozen=True, tag="record_state"):
    room: Identifier
    state: RecordPhase
    head: str
    block: Count
    cause: str | None = None


class RoomClosed(Event, frozen=True, tag="room_closed"):
    room: Identifier
    epoch: Count
    reason: str


AnyEvent = PeerState | UpState | Slots | Layers | Speaking | Quality | RecordState | RoomClosed
