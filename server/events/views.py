"""Events in words for pages, posters, screens and feeds of news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schedules.core import explain
from schedules.core.event_feeds import title_of, topic_name
from schedules.core.explain import Language
from schedules.core.public_events import EventKind

if TYPE_CHECKING:
    from datetime import date, datetime

    from schedules.core.feeds import Places
    from schedules.core.public_events import PublicEvent


@dataclass(frozen=True, slots=True)
class EventView:
    """One event in one language. `seats_left` None: nobody needs to register."""

    id: str
    kind: str
    state: str
    revision: int
    title: str
    day: date
    day_name: str
    weekday: str
    times: str
    start: datetime
    end: datetime
    site: str
    slug_page: str
    venue: str
    topic: str
    says: str
    speakers: str
    services: str
    is_joint: bool
    teams: str
    materials: tuple[str, ...]
    why: str
    reason: str
    room_link: str
    recording_link: str
    capacity: int | None
    taken: int
    seats_left: int | None
    is_over: bool


def event_view(event: PublicEvent, places: Places, language: Language, now: datetime) -> EventView:
    """What a page shows."""
    content = event.content
    place = places.get(content.site)
    day = explain.local_day(content.during.start)
    comma = "、" if language is Language.ZH else ", "
    return EventView(
        id=event.id,
        kind=event.kind.value,
        state=event.state.value,
        revision=event.revision,
        title=title_of(event, language),
        day=day,
        day_name=explain.day_name(day, language),
        weekday=explain.weekday_name(day, language),
        times=f"{explain.clock(content.during.start)}-{explain.clock(content.during.end)}",
        start=content.during.start,
        end=content.during.end,
        site=place.name[language] if place else "",
        slug_page=place.url if place else "",
        venue=content.venue,
        topic=topic_name(content.topic, language),
        says=content.says,
        speakers=comma.join(content.speakers),
        services=comma.join(explain.service_name(code, language) for code in content.services),
        is_joint=content.is_joint,
        teams=comma.join(content.teams),
        materials=content.materials,
        why=content.why[language],
        reason=event.reason,
        room_link=content.room_link,
        recording_link=content.recording_link,
        capacity=content.capacity,
        taken=event.taken,
        seats_left=event.seats_left,
        is_over=content.during.end <= now,
    )


def is_lecture(event: PublicEvent) -> bool:
    return event.kind is EventKind.LECTURE
