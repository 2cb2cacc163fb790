"""From published rosters to feeds: one event per slot, with its steady identity.

A site's feed shows every slot with its people. A person's feed shows that person's slots at all sites;
a slot that was theirs and no longer is shows as cancelled, for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from schedules.core.explain import Language, People, Words, name_of, role_name, service_name, times
from schedules.core.ical import EventStatus, Feed, FeedEvent
from schedules.core.model import PersonId, SiteId, Slot, SlotKey
from schedules.core.release import CANCELLED_SHOWN, Release, ReleasedSlot, State

_IDENTITY = UUID("3f0c8f5e-6d0a-5a1b-9b1e-6f2f6a2d9c10")
"""Namespace of our UIDs. Changing it would double every event in every subscriber's calendar."""


@dataclass(frozen=True, slots=True)
class Place:
    """A site as feeds name it; `url` is its public page."""

    name: Words
    url: str = ""


Places = Mapping[SiteId, Place]


def uid_of(key: SlotKey) -> str:
    """UID of a slot: from what it is, never from who serves or when it was published (RFC 7986 5.3)."""
    return str(uuid5(_IDENTITY, key))


def site_feed(release: Release, place: Place, people: People, language: Language, service: str | None = None) -> Feed:
    """The public feed of a site, or of one service there."""
    what = Words("值班表", "duty roster")[language]
    subject = "" if service is None else service_name(service, language) + _space(language)
    entries = [e for e in release.slots if service in (None, e.slot.service) and _shown(e, release.published_at)]
    return Feed(
        name=_join((place.name[language], subject + what)),
        description=_lateness(language),
        events=tuple(_site_event(entry, place, people, language) for entry in entries),
        url=place.url,
    )


def person_feed(
    person: PersonId, releases: Iterable[Release], places: Places, people: People, language: Language, at: datetime
) -> Feed:
    """All duties of one person; `at` is the publish instant, from which cancelled ones are shown for a while."""
    entries = [entry for release in releases for entry in release.slots if _concerns(entry, person, at)]
    entries.sort(key=lambda entry: (entry.slot.during.start, entry.slot.key))
    name = name_of(people, person, language)
    return Feed(
        name=Words(f"{name}的值班", f"Duties of {name}")[language],
        description=_lateness(language),
        events=tuple(_person_event(entry, person, places, people, language) for entry in entries),
    )


def _shown(entry: ReleasedSlot, at: datetime) -> bool:
    return entry.state is State.ON or entry.changed_at > at - CANCELLED_SHOWN


def _concerns(entry: ReleasedSlot, person: PersonId, at: datetime) -> bool:
    parted = any(p.person == person and p.at > at - CANCELLED_SHOWN for p in entry.parted)
    return parted or (person in entry.slot.people and _shown(entry, at))


def _site_event(entry: ReleasedSlot, place: Place, people: People, language: Language) -> FeedEvent:
    slot = entry.slot
    title = slot.title or Words("值班", "on duty")[language]
    names = _names(slot, people, language)
    subject = service_name(slot.service, language) + _space(language) + title
    return _event(entry, place, language, f"{subject}{_colon(language)}{names}", entry.state, busy=False)


def _person_event(
    entry: ReleasedSlot, person: PersonId, places: Places, people: People, language: Language
) -> FeedEvent:
    slot = entry.slot
    place = places.get(slot.site, Place(Words("", "")))
    seat = next((seat for seat in slot.seats if seat.person == person), None)
    duty = service_name(slot.service, language) + _space(language) + Words("值班", "on duty")[language]
    role = "" if seat is None else role_name(seat.role, language)
    summary = _join((duty, role, place.name[language]))
    state = entry.state if seat is not None else State.CANCELLED
    return _event(entry, place, language, summary, state, busy=state is State.ON)


def _event(
    entry: ReleasedSlot, place: Place, language: Language, summary: str, state: State, *, busy: bool
) -> FeedEvent:
    slot = entry.slot
    cancelled = state is State.CANCELLED
    mark = Words("[已取消] ", "[Cancelled] ")[language] if cancelled else ""
    return FeedEvent(
        uid=uid_of(slot.key),
        start=slot.during.start,
        end=slot.during.end,
        summary=mark + summary,
        description=_description(slot),
        location=place.name[language],
        categories=(service_name(slot.service, language),),
        status=EventStatus.CANCELLED if cancelled else EventStatus.CONFIRMED,
        sequence=entry.sequence,
        created=entry.created_at,
        changed=entry.changed_at,
        busy=busy,
        url=place.url,
    )


def _names(slot: Slot, people: People, language: Language) -> str:
    if not slot.people:
        return Words("待定", "to be named")[language]
    named = [(name_of(people, s.person, language), role_name(s.role, language)) for s in slot.seats if s.person]
    parts = [Words(f"{name}（{role}）", f"{name} ({role})")[language] for name, role in named]
    return Words("、".join(parts), ", ".join(parts))[language]


def _description(slot: Slot) -> str:
    return f"{times(slot)} {slot.closed or ''}".strip()


def _lateness(language: Language) -> str:
    return Words(
        "由来坐发布的正式值班表。日历软件不会立即更新：谷歌日历通常晚 8 至 24 小时。临时变动以网点公示页为准。",
        "The published roster, by Laizuo. Calendar programs update late: Google usually by 8 to 24 hours. "
        "For changes of today look at the site's page.",
    )[language]


def _space(language: Language) -> str:
    return "" if language is Language.ZH else " "


def _colon(language: Language) -> str:
    return "：" if language is Language.ZH else ": "


def _join(parts: tuple[str, ...]) -> str:
    return " · ".join(part for part in parts if part)
