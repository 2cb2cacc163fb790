"""Every message of PROTOCOL.md as a type that validates it.

Unknown fields are ignored, so that a page and a server one version apart can talk.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

MESSAGE_LIMIT: Final = 64 * 1024

Source = Literal["voice", "face", "document", "screen"]
SeatId = Annotated[str, Meta(min_length=1, max_length=64)]
Secret = Annotated[str, Meta(min_length=1, max_length=128)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]
Rid = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[str, Meta(max_length=64)] | None
PersonName = Annotated[str, Meta(min_length=1, max_length=80)]


class BadMessage(ValueError):
    """What a client sent cannot be taken; `field` says where."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


# ---------------------------------------------------------------- client


class ClientMessage(Struct, frozen=True, kw_only=True, tag_field="type"):
    rid: Rid = None


class Join(ClientMessage, frozen=True, tag="join"):
    token: Secret | None = None
    resume: Secret | None = None
    media: bool = True

    def __post_init__(self) -> None:
        if (self.token is None) == (self.resume is None):
            raise ValueError("exactly one of token and resume")


class StandBy(ClientMessage, frozen=True, tag="stand_by"):
    kiosk: Annotated[str, Meta(max_length=64)] | None = None
    page: Annotated[str, Meta(max_length=64)] | None = None


class Offer(ClientMessage, frozen=True, tag="offer"):
    peer: Count
    revision: Annotated[int, Meta(ge=1, le=1_000_000)]
    sdp: Annotated[str, Meta(min_length=1, max_length=MESSAGE_LIMIT)]
    sources: Annotated[dict[Annotated[str, Meta(max_length=16)], Source], Meta(max_length=8)] = {}


class Mute(ClientMessage, frozen=True, tag="mute"):
    source: Source
    muted: bool


class Leave(ClientMessage, frozen=True, tag="leave"):
    pass


class Admit(ClientMessage, frozen=True, tag="admit"):
    seat: SeatId


class Refuse(ClientMessage, frozen=True, tag="refuse"):
    seat: SeatId


class Remove(ClientMessage, frozen=True, tag="remove"):
    seat: SeatId


class Wait(ClientMessage, frozen=True, tag="wait"):
    seat: SeatId


class Silence(ClientMessage, frozen=True, tag="silence"):
    seat: SeatId
    source: Source
    silenced: bool


class End(ClientMessage, frozen=True, tag="end"):
    reason: Literal["completed", "technical", "refused", "withdrawn"]


class Name(ClientMessage, frozen=True, tag="name"):
    seat: SeatId
    name: PersonName


class Caucus(ClientMessage, frozen=True, tag="caucus"):
    seats: Annotated[list[SeatId], Meta(min_length=1, max_length=24)]


class Move(ClientMessage, frozen=True, tag="move"):
    seat: SeatId
    room: Annotated[str, Meta(max_length=64)]


class Recall(ClientMessage, frozen=True, tag="recall"):
    pass


class ShowDocument(ClientMessage, frozen=True, tag="show_document"):
    pass


class ShareScreen(ClientMessage, frozen=True, tag="share_screen"):
    pass


class StopShowing(ClientMessage, frozen=True, tag="stop_showing"):
    """`seat`: somebody else's, by the person in charge."""

    seat: SeatId | None = None


class AskConsent(ClientMessage, frozen=True, tag="ask_consent"):
    purpose: Literal["recording"]


class Consent(ClientMessage, frozen=True, tag="consent"):
    purpose: Literal["recording"]
    given: bool


class Report(ClientMessage, frozen=True, tag="report"):
    """What the browser measures since its last report: ms of standstill, frames per second shown, share of concealed sound.

    lacks: sources whose device does not work or was not allowed.
    """

    frozen_ms: Count = 0
    fps: Annotated[float, Meta(ge=0.0, le=1000.0)] | None = None
    width: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    height: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    concealed: Ratio = 0.0
    lacks: Annotated[list[Source], Meta(max_length=4)] = []


class Ping(ClientMessage, frozen=True, tag="ping"):
    t: float


AnyClientMessage = (
    Join
    | StandBy
    | Offer
    | Mute
    | Leave
    | Admit
    | Refuse
    | Remove
    | Wait
    | Silence
    | End
    | Name
    | AskConsent
    | Consent
    | Caucus
    | Move
    | Recall
    | ShowDocument
    | ShareScreen
    | StopShowing
    | Report
    | Ping
)


# ---------------------------------------------------------------- what server messages are made of


class PersonState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person as the others see them; `room` only for who is in a private talk, `shows` (document, screen) only for who shows something."""

    seat: str
    role: str
    name: str
    site: str
    state: Literal[
        "waiting", "expected", "connecting", "connected", "reconnecting", "out", "left", "removed", "refused"
    ]
    muted: list[str]
    silenced: list[str]
    room: str = ""
    shows: str = ""


class You(Struct, frozen=True, kw_only=True, omit_defaults=True):
    seat: str
    role: str
    name: str
    may: list[str] | msgspec.UnsetType = msgspec.UNSET


class SessionState(Struct, frozen=True, kw_only=True):
    id: str
    procedure: str
    state: str
    opened_at: float
    site: str


class Outside(Struct, frozen=True, kw_only=True):
    """What somebody who is not admitted may know of a session."""

    procedure: str
    site: str
    in_charge: str


class RecordingState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    state: Literal["none", "starting", "recording", "stopped", "failed"]
    since: float | None
    cause: str | None = None


class Slot(Struct, frozen=True, kw_only=True):
    """One receiving slot and who is in it (null: nobody)."""

    slot: int
    audio_mid: str | None
    video_mid: str | None
    seat: str | None
    source: str | None


class LineQuality(Struct, frozen=True, kw_only=True):
    """One person's line; loss as a share of 1, up = from the person to us. What he is shown: frames a second, size, ms of standstill in 5 s."""

    word: Literal["good", "weak", "bad", "none"]
    loss_up: float
    loss_down: float
    rtt_ms: float | None
    up_bps: int
    fps: float | None
    width: int | None = None
    height: int | None = None
    frozen_ms: int = 0


# ---------------------------------------------------------------- server


class ServerMessage(Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class Welcome(ServerMessage, frozen=True, tag="welcome"):
    resume: str
    connection: int
    media: Literal["new", "kept"]
    ice: list[dict[str, str | list[str]]]
    slots: int
    you: You
    session: SessionState
    recording: RecordingState
    people: list[PersonState]


class Waiting(ServerMessage, frozen=True, tag="waiting"):
    why: Literal["admission", "sent_back"]
    session: Outside
    you: You


class Answer(ServerMessage, frozen=True, tag="answer", omit_defaults=True):
    peer: int
    revision: int
    sdp: str
    slots: list[Slot]
    rid: Rid = None


class Slots(ServerMessage, frozen=True, tag="slots"):
    short: int
    slots: list[Slot]


class Layers(ServerMessage, frozen=True, tag="layers"):
    peer: int | None
    source: str
    send: list[str]


class Speaking(ServerMessage, frozen=True, tag="speaking"):
    seats: list[str]


class Person(ServerMessage, frozen=True, tag="person"):
    person: PersonState


class Quality(ServerMessage, frozen=True, tag="quality"):
    people: dict[str, LineQuality]


class Recording(ServerMessage, frozen=True, tag="recording"):
    state: Literal["none", "starting", "recording", "stopped", "failed"]
    since: float | None
    cause: str | None


class Consents(ServerMessage, frozen=True, tag="consents"):
    purpose: Literal["recording"]
    people: dict[str, Literal["asked", "given", "refused"]]


class Rejoin(ServerMessage, frozen=True, tag="rejoin"):
    why: Literal["worker_replaced", "media_lost"]


class Closed(ServerMessage, frozen=True, tag="closed"):
    why: Literal["ended", "left", "removed", "refused", "replaced", "expired"]


ErrorCode = Literal[
    "bad_message",
    "bad_token",
    "not_allowed",
    "not_found",
    "not_joined",
    "bad_offer",
    "room_full",
    "shown_already",
    "too_many",
    "service_away",
    "unexpected",
]


class Error(ServerMessage, frozen=True, tag="error", omit_defaults=True):
    code: ErrorCode
    rid: Rid = None
    field: str | None = None


class Pong(ServerMessage, frozen=True, tag="pong", omit_defaults=True):
    t: float
    at: float
    rid: Rid = None


AnyServerMessage = (
    Welcome
    | Waiting
    | Answer
    | Slots
    | Layers
    | Speaking
    | Person
    | Quality
    | Recording
    | Consents
    | Rejoin
    | Closed
    | Error
    | Pong
)


# ---------------------------------------------------------------- bytes

_client: Final[msgspec.json.Decoder[AnyClientMessage]] = msgspec.json.Decoder(AnyClientMessage)
_server: Final[msgspec.json.Decoder[AnyServerMessage]] = msgspec.json.Decoder(AnyServerMessage)
_encode: Final = msgspec.json.Encoder().encode
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


def parse(text: str) -> AnyClientMessage:
    """A client's message. Raises BadMessage naming the field."""
    try:
        return _client.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason, _, place = str(error).partition(" - at `$.")
        missing = _MISSING.match(reason)
        raise BadMessage(reason, missing[1] if missing else place.rstrip("`") or None) from error


def parse_server(text: str | bytes) -> AnyServerMessage:
    """A server's message, for tests and tools that play the page."""
    return _server.decode(text)


def render(message: ServerMessage) -> str:
    """Any message as JSON text."""
    return _encode(message).decode()
