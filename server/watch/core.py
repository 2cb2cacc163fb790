"""What in a running session needs somebody, pure. The words are those of the desk's right column."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LOSS_LIMIT = 0.10  # HMCTS and our own loss word: above it speech breaks
# A called citizen sits at the kiosk: two minutes are a fault or somebody who went home.
NOBODY_AFTER = timedelta(minutes=2)
CALLED_OUT = frozenset({"reconnecting"})


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody with a seat, as the room shows them. loss: the worse direction lately, a share of 1; lacks: devices that do not work."""

    seat: str
    role: str
    name: str
    state: str
    loss: float = 0.0
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """A running session. `recording` as in the room protocol; `is_gone`: the citizen has left the kiosk for good."""

    id: str
    state: str
    opened_at: datetime
    recording: str
    is_gone: bool = False
    is_space_low: bool = False
    people: tuple[Present, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that needs somebody. `seat` None: it is about the session."""

    kind: str
    seat: str | None = None


def alerts(session: Running, now: datetime) -> list[Alert]:
    """What needs somebody now, the worst first."""
    return [*_of_session(session, now), *(alert for person in session.people for alert in _of_person(person))]


def _of_session(session: Running, now: datetime) -> Iterator[Alert]:
    if session.recording == "failed":
        yield Alert("recording_failed")
    if session.is_space_low:
        yield Alert("low_space")
    if session.is_gone:
        yield Alert("citizen_gone")
    leads = [person for person in session.people if person.role == "in_charge"]
    if session.state == "live" and leads and all(person.state != "connected" for person in leads):
        yield Alert("suspended")
    here = any(person.state == "connected" for person in session.people if person.role != "in_charge")
    if session.state == "open" and not here and now - session.opened_at >= NOBODY_AFTER and not session.is_gone:
        yield Alert("nobody_came")


def _of_person(person: Present) -> Iterator[Alert]:
    if person.state in CALLED_OUT:
        yield Alert("disconnected", person.seat)
    if person.lacks and person.state == "connected":
        yield Alert("device_failed", person.seat)
    if person.loss > LOSS_LIMIT and person.state == "connected":
        yield Alert("loss", person.seat)
