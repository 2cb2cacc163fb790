"""Feeds as iCalendar bytes and back (RFC 5545, RFC 7986). Equal feeds give equal bytes.

Decisions, each from somebody's broken calendar:

- An own VTIMEZONE with the single offset +08:00. Libraries write China's summer time of 1986-1991
  into it, and clients then shift today's events or refuse the file (C-24).
- DTSTAMP, LAST-MODIFIED and SEQUENCE belong to the slot's last change, never to the moment of the
  request, so the bytes and the ETag stay while the roster stays (C-22).
- No METHOD: with METHOD:PUBLISH each event would need an ORGANIZER (RFC 5546 3.2.1), and a
  subscription is no scheduling message.
- NAME and X-WR-CALNAME, REFRESH-INTERVAL and X-PUBLISHED-TTL: the standard's word and the word that
  Outlook, Google and Apple look at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from icalendar import Calendar, Event, Timezone, TimezoneStandard, vDDDTypes, vDuration, vText
from icalendar.prop.unknown import vUnknown

from schedules.core.model import CHINA

_ESCAPED = re.compile(r"\\(.)")  # RFC 5545 3.3.11

PRODID = "-//Laizuo//duty rosters//ZH"
"""Steady across releases: some clients treat another PRODID as another calendar."""

TZID = "Asia/Shanghai"
REFRESH = timedelta(hours=1)
"""What we ask for. Clients take it as a hint at best: Google asks every 8 to 24 hours whatever it says."""


class EventStatus(Enum):
    """STATUS of an event."""

    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event. `busy` = it blocks time in the reader's calendar (TRANSP).

    A whole day (`all_day`) starts at local midnight and ends at the midnight after its last day.
    """

    uid: str
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str
    categories: tuple[str, ...]
    status: EventStatus
    sequence: int
    created: datetime
    changed: datetime
    busy: bool = False
    url: str = ""
    all_day: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A calendar as subscribers see it."""

    name: str
    description: str
    events: tuple[FeedEvent, ...]
    url: str = ""


def render(feed: Feed) -> bytes:
    """iCalendar bytes, CRLF, folded at 75 octets without cutting a character."""
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    for key in ("name", "x-wr-calname"):
        calendar.add(key, vText(feed.name))
    for key in ("description", "x-wr-caldesc"):
        calendar.add(key, vText(feed.description))
    calendar.add("x-wr-timezone", vText(TZID))
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    if feed.url:
        calendar.add("url", feed.url)
    calendar.add_component(_time_zone())
    for event in feed.events:
        calendar.add_component(_component(event))
    raw: bytes = calendar.to_ical()
    return raw


def _time_zone() -> Timezone:
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1992, 1, 1))  # noqa: DTZ001  # local time by RFC 5545 3.6.5
    standard.add("tzoffsetfrom", CHINA.utcoffset(None))
    standard.add("tzoffsetto", CHINA.utcoffset(None))
    standard.add("tzname", "CST")
    zone = Timezone()
    zone.add("tzid", TZID)
    zone.add_component(standard)
    return zone


def _component(event: FeedEvent) -> Event:
    component = Event()
    component.add("uid", event.uid)
    component.add("dtstamp", event.changed)
    component.add("created", event.created)
    component.add("last-modified", event.changed)
    component.add("sequence", event.sequence)
    component["dtstart"] = _day(event.start) if event.all_day else _local(event.start)
    component["dtend"] = _day(event.end) if event.all_day else _local(event.end)
    component.add("summary", vText(event.summary))
    if event.description:
        component.add("description", vText(event.description))
    if event.location:
        component.add("location", vText(event.location))
    if event.categories:
        component.add("categories", list(event.categories))
    component.add("status", event.status.value)
    component.add("transp", "OPAQUE" if event.busy else "TRANSPARENT")
    if event.url:
        component.add("url", event.url)
    return component


def _local(at: datetime) -> vDDDTypes:
    value = vDDDTypes(at.astimezone(CHINA).replace(tzinfo=None))
    value.params["TZID"] = TZID
    return value


def _day(at: datetime) -> vDDDTypes:
    """A whole day: a date, which no client moves by a zone (RFC 5545 3.6.1)."""
    return vDDDTypes(at.astimezone(CHINA).date())


def parse(raw: bytes) -> Feed:
    """Read a feed back. Raises ValueError naming what is missing or malformed."""
    calendar = Calendar.from_ical(raw)
    events = tuple(_event(component) for component in calendar.walk("VEVENT"))
    return Feed(_text(calendar, "name"), _text(calendar, "description"), events, _text(calendar, "url"))


def _event(component: Any) -> FeedEvent:
    categories = component.get("categories")
    all_day = _is_day(component, "dtstart") and _is_day(component, "dtend")
    when = _midnight if all_day else _instant
    return FeedEvent(
        uid=_text(component, "uid"),
        start=when(component, "dtstart"),
        end=when(component, "dtend"),
        summary=_text(component, "summary"),
        description=_text(component, "description"),
        location=_text(component, "location"),
        categories=tuple(str(entry) for entry in categories.cats) if categories else (),
        status=EventStatus(_text(component, "status")),
        sequence=int(component.get("sequence", 0)),
        created=_instant(component, "created"),
        changed=_instant(component, "last-modified"),
        busy=_text(component, "transp") == "OPAQUE",
        url=_text(component, "url"),
        all_day=all_day,
    )


def _is_day(component: Any, name: str) -> bool:
    return name in component and not isinstance(component.decoded(name), datetime)


def _midnight(component: Any, name: str) -> datetime:
    on: date = component.decoded(name)
    return datetime.combine(on, time.min, CHINA).astimezone(UTC)


def _text(component: Any, name: str) -> str:
    value = component.get(name, "")
    if isinstance(value, vUnknown):  # the library does not know NAME as text and leaves it escaped
        value = _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)
    return str(value)


def _instant(component: Any, name: str) -> datetime:
    if name not in component:
        raise ValueError(f"{name}: missing in {component.name}")
    at = component.decoded(name)
    if not isinstance(at, datetime):
        raise ValueError(f"{name}: an instant is expected, not a date")
    return at.replace(tzinfo=CHINA).astimezone(UTC) if at.tzinfo is None else at.astimezone(UTC)
