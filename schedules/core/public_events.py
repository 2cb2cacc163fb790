"""Theme days and lectures as the public sees them, and what an edit does to them.

1. A draft is nobody's business: edits change its revision only.
2. Publishing, a change of what is public, cancelling and restoring raise SEQUENCE once each and set the instant of change.
3. An edit that changes nothing public (the recording's link counts as public; seats taken do not) keeps both.
4. A cancelled event stays cancelled until it is published again, with a higher SEQUENCE.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import Enum

from schedules.core.explain import Words
from schedules.core.model import Interval, SiteId

UNEXPLAINED = Words("", "")


class EventKind(Enum):
    """What takes place."""

    THEME_DAY = "theme_day"
    LECTURE = "lecture"


class EventState(Enum):
    """Who knows of it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Content:
    """What the public sees.

    topic      a code of lectures.TOPICS, or free words
    services   several: joint consultation
    capacity   None: nobody needs to register
    """

    site: SiteId
    title: str
    during: Interval
    title_en: str = ""
    says: str = ""
    topic: str = ""
    venue: str = ""
    speakers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    why: Words = UNEXPLAINED
    room_link: str = ""
    recording_link: str = ""
    capacity: int | None = None

    @property
    def is_joint(self) -> bool:
        return len(self.services) > 1


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """A theme day or a lecture with its history."""

    id: str
    kind: EventKind
    content: Content
    state: EventState
    revision: int
    sequence: int
    made_at: datetime
    changed_at: datetime
    published_at: datetime | None = None
    reason: str = ""
    taken: int = 0
    rule: str | None = None
    month: date | None = None
    series: str | None = None

    @property
    def is_on(self) -> bool:
        return self.state is EventState.PUBLISHED

    @property
    def seats_left(self) -> int | None:
        capacity = self.content.capacity
        return None if capacity is None else max(0, capacity - self.taken)


def edit(event: PublicEvent, content: Content, now: datetime) -> PublicEvent:
    """The event with another content; itself if nothing differs."""
    if content == event.content:
        return event
    edited = replace(event, content=content, revision=event.revision + 1)
    return edited if event.state is EventState.DRAFT else _changed(edited, now)


def publish(event: PublicEvent, now: datetime) -> PublicEvent:
    """Make it public, or public again; itself if it is."""
    if event.is_on:
        return event
    shown = replace(event, state=EventState.PUBLISHED, reason="", revision=event.revision + 1)
    if event.published_at is None:
        return replace(shown, published_at=now, changed_at=now)
    return _changed(shown, now)


def cancel(event: PublicEvent, reason: str, now: datetime) -> PublicEvent:
    """Call a public event off; itself if it is off with this reason. Raises ValueError for a draft: it can be deleted."""
    if event.state is EventState.DRAFT:
        raise ValueError("state: a draft is not cancelled but removed")
    if event.state is EventState.CANCELLED and event.reason == reason:
        return event
    return _changed(replace(event, state=EventState.CANCELLED, reason=reason, revision=event.revision + 1), now)


def _changed(event: PublicEvent, now: datetime) -> PublicEvent:
    return replace(event, sequence=event.sequence + 1, changed_at=now)


def changed_fields(old: Content, new: Content) -> tuple[str, ...]:
    """Names of what differs, for the notice to those who registered."""
    return tuple(f.name for f in fields(Content) if getattr(old, f.name) != getattr(new, f.name))
