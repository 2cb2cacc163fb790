"""Lectures: the year's quota per site, topics covered, and what may happen to a registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from schedules.core.explain import Words
from schedules.core.model import Interval, SiteId

TOPICS = {
    "company_law": Words("公司法务", "Company law"),
    "intellectual_property": Words("知识产权", "Intellectual property"),
    "real_estate": Words("房地产", "Real estate"),
    "litigation": Words("民商事诉讼与仲裁", "Civil and commercial litigation and arbitration"),
    "foreign_investment": Words("涉外投融资", "Foreign-related investment and financing"),
    "foreign_negotiation": Words("涉外谈判", "Foreign-related negotiation"),
    "finance": Words("金融", "Finance"),
    "insurance": Words("保险与证券", "Insurance and securities"),
}
"""Topics of the hundred flagship lectures (product row 000-12)."""

CHECK_IN_OPENS = timedelta(hours=2)
"""Before the start: helpers set up the door about an hour ahead; an earlier press is a mistake."""
FEEDBACK_OPEN = timedelta(days=14)
"""After the end. Later answers tell of something else."""


@dataclass(frozen=True, slots=True)
class LectureFact:
    """What the quota must know of one lecture."""

    site: SiteId
    topic: str
    during: Interval
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One site: lectures held so far, held or announced, and owed in the year."""

    site: SiteId
    held: int
    planned: int
    quota: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A series in its year. `missing` are topics that no lecture has."""

    lines: tuple[QuotaLine, ...]
    covered: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def quota(self) -> int:
        return sum(line.quota for line in self.lines)

    @property
    def planned(self) -> int:
        """Announced lectures that count: more than a site owes does not pay another site's debt."""
        return sum(min(line.planned, line.quota) for line in self.lines)

    @property
    def held(self) -> int:
        return sum(min(line.held, line.quota) for line in self.lines)

    @property
    def words(self) -> str:
        """ "96/96"."""
        return f"{self.planned}/{self.quota}"


def progress(
    quotas: Mapping[SiteId, int], topics: Iterable[str], lectures: Iterable[LectureFact], now: datetime
) -> Progress:
    """Where a series stands. Lectures at sites without a quota cover topics but fill nothing."""
    counted = [lecture for lecture in lectures if not lecture.cancelled]
    lines = []
    for site in sorted(quotas):
        here = [lecture for lecture in counted if lecture.site == site]
        held = sum(lecture.during.end <= now for lecture in here)
        lines.append(QuotaLine(site, held, len(here), quotas[site]))
    wanted = tuple(topics)
    covered = {lecture.topic for lecture in counted}
    return Progress(
        tuple(lines), tuple(t for t in wanted if t in covered), tuple(t for t in wanted if t not in covered)
    )


class Place(Enum):
    """Where a registration stands."""

    REGISTERED = "registered"  # has a seat
    WAITING = "waiting"  # moves up when a seat becomes free, in order of arrival
    CANCELLED = "cancelled"  # gave it up
    ATTENDED = "attended"  # checked in at the door


class Refusal(Enum):
    """Why something cannot be done now; the value is the code of the sentence."""

    NOT_OPEN = "registration_closed"  # cancelled, not published, or over
    NO_REGISTRATION = "no_registration_needed"
    GIVEN_UP = "registration_given_up"
    TOO_EARLY = "check_in_too_early"
    NO_SEAT = "still_waiting"
    NOT_ATTENDED = "feedback_not_open"


@dataclass(frozen=True, slots=True)
class Open:
    """What decides about a registration: seats, and whether the event takes place."""

    during: Interval
    capacity: int | None
    taken: int
    is_on: bool


def place_for(event: Open, now: datetime) -> Place | Refusal:
    """Where a newcomer comes to stand. Late registrations are welcome until the end."""
    if not event.is_on or now >= event.during.end:
        return Refusal.NOT_OPEN
    if event.capacity is None:
        return Refusal.NO_REGISTRATION
    return Place.REGISTERED if event.taken < event.capacity else Place.WAITING


def may_check_in(event: Open, place: Place, now: datetime) -> Refusal | None:
    """Whether somebody may be checked in at the door now; twice is the same as once."""
    if not event.is_on or now >= event.during.end + FEEDBACK_OPEN:
        return Refusal.NOT_OPEN
    if now < event.during.start - CHECK_IN_OPENS:
        return Refusal.TOO_EARLY
    if place is Place.CANCELLED:
        return Refusal.GIVEN_UP
    return Refusal.NO_SEAT if place is Place.WAITING else None


def may_give_feedback(event: Open, place: Place, now: datetime) -> Refusal | None:
    """Feedback is for who was there, from the start until two weeks after the end."""
    if place is Place.ATTENDED and event.during.start <= now < event.during.end + FEEDBACK_OPEN:
        return None
    return Refusal.NOT_ATTENDED
