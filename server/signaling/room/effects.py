"""What a session wants done. The shell performs effects in order and brings back the outcome of each `Ask` and `Act`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NewType

if TYPE_CHECKING:
    from server.sessions.core import EndReason
    from server.signaling.messages import Rid, ServerMessage, Slot

LineId = NewType("LineId", int)  # one WebSocket


# ---------------------------------------------------------------- to a page


@dataclass(frozen=True, slots=True)
class Say:
    """Send one message on a line."""

    line: LineId
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Hang:
    """Close a line once everything said on it is out."""

    line: LineId


# ---------------------------------------------------------------- to the media worker


@dataclass(frozen=True, slots=True)
class JoinMedia:
    """Give a seat a peer. `number` is the worker's connection number: it rises with each new peer of the seat."""

    seat: str
    number: int
    peer: int  # the page's numbers, for its answer
    revision: int
    sdp: str
    sources: dict[str, str]
    label: dict[str, str]


@dataclass(frozen=True, slots=True)
class LeaveMedia:
    """Take a seat's peer away; done means that sending to it has stopped."""

    seat: str
    number: int
    reason: str  # left, removed, waiting, moving


@dataclass(frozen=True, slots=True)
class PauseMedia:
    """Stop or resume forwarding one stream."""

    seat: str
    source: str
    paused: bool


@dataclass(frozen=True, slots=True)
class MoveMedia:
    """Take a seat's peer into another room of the session; done means that nothing of the old room is sent to it any more."""

    seat: str
    number: int
    to_room: str


MediaRequest = JoinMedia | LeaveMedia | PauseMedia | MoveMedia


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the worker that owns the room; the outcome comes back through `Session.answered`."""

    room: str
    request: MediaRequest
    line: LineId | None = None  # who is told of a refusal
    rid: Rid = None


# ---------------------------------------------------------------- to the database


@dataclass(frozen=True, slots=True)
class AdmitSeat:
    seat: str
    by: str


@dataclass(frozen=True, slots=True)
class RefuseSeat:
    seat: str
    by: str


@dataclass(frozen=True, slots=True)
class RemoveSeat:
    seat: str
    by: str


@dataclass(frozen=True, slots=True)
class SendBackSeat:
    seat: str
    by: str


@dataclass(frozen=True, slots=True)
class NameSeat:
    seat: str
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class EndSession:
    reason: EndReason
    by: str


@dataclass(frozen=True, slots=True)
class GoLive:
    """The person in charge and somebody else are here together: the session is live, the ticket is being served."""


@dataclass(frozen=True, slots=True)
class AnswerConsent:
    """Somebody says yes or no; `Done` carries the signed receipt."""

    seat: str
    room: str
    name: str
    role: str
    purpose: Literal["recording"]
    given: bool


@dataclass(frozen=True, slots=True)
class OpenCaucus:
    """A private room with these seats in it, who leads among them; `Done` carries its `room`."""

    seats: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class MoveSeat:
    seat: str
    room: str
    by: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Every seat back in the joint room; private rooms end."""

    by: str


StoreAct = (
    AdmitSeat
    | RefuseSeat
    | RemoveSeat
    | SendBackSeat
    | NameSeat
    | EndSession
    | GoLive
    | AnswerConsent
    | OpenCaucus
    | MoveSeat
    | Recall
)


@dataclass(frozen=True, slots=True)
class Act:
    """One change of the database, whole or not at all; the outcome comes back through `Session.acted`."""

    act: StoreAct
    line: LineId | None = None
    rid: Rid = None


@dataclass(frozen=True, slots=True)
class Log:
    """A session event for the database and the room's journal. Kept and repeated while the database is away.

    journal_only: the act that caused it has written it to the database in its own transaction.
    """

    kind: str
    seat: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    journal_only: bool = False


@dataclass(frozen=True, slots=True)
class SetRecorded:
    """The people of a room have agreed to be recorded, or no longer do."""

    room: str
    recorded: bool
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRoom:
    """A private room is wanted at a worker. It is never recorded."""

    room: str


@dataclass(frozen=True, slots=True)
class DropRoom:
    """A private room is over."""

    room: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The session is over: its rooms close, nothing is received any more."""

    reason: str


Effect = Say | Hang | Ask | Act | Log | SetRecorded | HoldRoom | DropRoom | Finish


# ---------------------------------------------------------------- outcomes


@dataclass(frozen=True, slots=True)
class Answered:
    """The worker's answer to an offer."""

    sdp: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """It is done. `facts`: what an act of the database gave back."""

    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not done and nothing changed. `code`: a code of the worker, of the room protocol, or `away`."""

    code: str


Outcome = Answered | Done | Refused
