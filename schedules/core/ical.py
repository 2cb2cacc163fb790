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

from icalendar import Calendar
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
    """iCalendar bytes, CRLF, folded at 75 octets without cutting a character.

    Written by hand, because a publish renders a thousand events while the same process answers calendars: a library takes 0.4 ms for each.
    """
    name, says = _escaped(feed.name), _escaped(feed.description)
    head = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN"),
        *(f"DESCRIPTION:{says}", f"X-WR-CALDESC:{says}", f"NAME:{name}", f"X-WR-CALNAME:{name}"),
        *(f"REFRESH-INTERVAL;VALUE=DURATION:{_REFRESH}", *([f"URL:{feed.url}"] if feed.url else ())),
        *(f"X-PUBLISHED-TTL:{_REFRESH}", f"X-WR-TIMEZONE:{TZID}"),
        *_TIME_ZONE,
    ]
    lines = [*head, *(line for event in feed.events for line in _lines(event)), "END:VCALENDAR", ""]
    return "\r\n".join(line if len(line) < _ALWAYS_SHORT else _folded(line) for line in lines).encode()


_REFRESH = f"PT{int(REFRESH.total_seconds()) // 3600}H"
_TIME_ZONE = (
    *("BEGIN:VTIMEZONE", f"TZID:{TZID}", "BEGIN:STANDARD", "DTSTART:19920101T000000", "TZNAME:CST"),
    *("TZOFFSETFROM:+0800", "TZOFFSETTO:+0800", "END:STANDARD", "END:VTIMEZONE"),
)
_FOLD = 74  # octets of a line without its fold; RFC 5545 3.1 asks for 75 at most
_ALWAYS_SHORT = 19  # characters: of four octets each at most


def _folded(line: str) -> str:
    raw = line.encode()
    if len(raw) <= _FOLD:
        return line
    parts: list[bytes] = []
    while raw:
        cut = min(_FOLD, len(raw))
        while cut < len(raw) and raw[cut] & 0xC0 == 0x80:  # in the middle of a character
            cut -= 1
        parts.append(raw[:cut])
        raw = raw[cut:]
    return b"\r\n ".join(parts).decode()


def _escaped(text: str) -> str:
    """TEXT (RFC 5545 3.3.11)."""
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _lines(event: FeedEvent) -> list[str]:
    """Properties of an event, in the one order we always use."""
    lines = [
        *("BEGIN:VEVENT", f"SUMMARY:{_escaped(event.summary)}"),
        *(_moment("DTSTART", event.start, event.all_day), _moment("DTEND", event.end, event.all_day)),
        *(f"DTSTAMP:{_utc(event.changed)}", f"UID:{_escaped(event.uid)}", f"SEQUENCE:{event.sequence}"),
    ]
    if event.categories:
        lines.append("CATEGORIES:" + ",".join(_escaped(category) for category in event.categories))
    lines.append(f"CREATED:{_utc(event.created)}")
    if event.description:
        lines.append(f"DESCRIPTION:{_escaped(event.description)}")
    lines.append(f"LAST-MODIFIED:{_utc(event.changed)}")
    if event.location:
        lines.append(f"LOCATION:{_escaped(event.location)}")
    lines += [f"STATUS:{event.status.value}", f"TRANSP:{'OPAQUE' if event.busy else 'TRANSPARENT'}"]
    if event.url:
        lines.append(f"URL:{event.url}")
    return [*lines, "END:VEVENT"]


def _moment(name: str, at: datetime, all_day: bool) -> str:
    """Local time with our zone; a whole day as a date, which no client moves by a zone (RFC 5545 3.6.1)."""
    local = at.astimezone(CHINA)
    return f"{name};VALUE=DATE:{local:%Y%m%d}" if all_day else f"{name};TZID={TZID}:{local:%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


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
