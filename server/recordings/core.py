"""What is recorded, what a request for a part of a film means, when a job is tried again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Recorded(StrEnum):
    """What a procedure says about recording a room of it."""

    ALWAYS = "always"  # from the first person in to the last out; no pause
    BY_CONSENT = "by_consent"  # only when every party agreed; until then not
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """The rule for one kind of room of one procedure, and where it comes from."""

    recorded: Recorded
    source: str


_MINUTES = RecordingPolicy(
    Recorded.BY_CONSENT,
    "online mediation rules (2021) art. 22: electronic minutes; a recording needs both sides' express consent",
)
_CAUCUS = RecordingPolicy(
    Recorded.NEVER, "online mediation rules (2021) art. 18: what is said in mediation is no evidence"
)
_NOTARIAL = RecordingPolicy(Recorded.ALWAYS, "remote notarization: the whole session, no editing (product rules B0.1)")
_ADVICE = RecordingPolicy(Recorded.NEVER, "advice is confidential; no rule asks for a recording")

# (procedure, kind of room). What is not here is never recorded.
POLICY: Final[dict[tuple[str, str], RecordingPolicy]] = {
    ("notarization", "joint"): _NOTARIAL,
    ("notarization", "waiting"): _ADVICE,
    ("mediation", "joint"): _MINUTES,
    ("mediation", "caucus"): _CAUCUS,
    ("legal_aid", "joint"): _ADVICE,
    ("legal_advice", "joint"): _ADVICE,
}


Purpose = Literal["recording"]  # what consent may be asked for, each apart
# Whose consent counts: everybody whose own matter or voice it is. Staff are there on duty.
_SIDES: Final = frozenset({"applicant", "party"})


def records_from_start(procedure: str) -> bool:
    """Whether the joint room of a procedure is recorded from its first moment on."""
    return policy_of(procedure, "joint").recorded is Recorded.ALWAYS


def may_ask_consent(procedure: str) -> bool:
    """Whether the people of a joint room may decide about its recording."""
    return policy_of(procedure, "joint").recorded is Recorded.BY_CONSENT


def is_agreed(answers: Mapping[str, str], here: Collection[tuple[str, str]]) -> bool:
    """Whether a room by consent may be recorded now.

    answers  seat -> `asked`, `given` or `refused`.
    here     (seat, role) of everybody in the room who is not on duty.
    Both sides must have said yes, and nobody may be here who has not.
    """
    sides = {role for seat, role in here if answers.get(seat) == "given"} & _SIDES
    return sides == _SIDES and all(answers.get(seat) == "given" for seat, _ in here)


def policy_of(procedure: str, room_kind: str) -> RecordingPolicy:
    """The rule for a room."""
    return POLICY.get((procedure, room_kind), _ADVICE)


MAX_ATTEMPTS: Final = 5
_FIRST_RETRY = timedelta(seconds=5)


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after the n-th failed attempt; None: it is not tried again, somebody must look."""
    return None if attempts >= MAX_ATTEMPTS else _FIRST_RETRY * 4 ** (attempts - 1)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [start, end) of a film."""

    start: int
    end: int


class RangeRefused(ValueError):
    """The range lies outside of the film: 416."""


_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def part_of(header: str | None, length: int) -> Part | None:
    """What a Range header asks for; None: everything. Other units and lists of ranges are ignored, as RFC 9110 14.2 allows.

    Raises  RangeRefused for a range that begins behind the end.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, length - int(last)), length
    else:
        start, end = int(first), min(int(last) + 1 if last else length, length)
    if last and first and int(last) < int(first):
        return None
    if start >= length:
        raise RangeRefused(f"bytes */{length}")
    return Part(start, end)


def state_shown(recording: str, job: str | None) -> str:
    """What people are told: `recording`, `waiting`, `making`, `ready`, `failed`, `destroyed`."""
    return "making" if recording == "waiting" and job == "running" else recording
