"""What a subscriber asks for in the link: how cancelled events show, and an alarm. Bytes in, bytes out.

The feed as published marks a cancelled event twice, by STATUS and by words, because no single way works everywhere (C-23). Who knows the
own calendar program chooses: `hide` leaves them out, `mark` keeps the words only (Google hides what is cancelled by STATUS), `status`
keeps STATUS only (Apple strikes it through by itself).

An alarm goes to events that take place and have an hour. Google and Apple drop alarms of subscriptions; others keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schedules.core.ical_items import cut

_END = b"END:VEVENT\r\n"
_CLOSE = b"END:VCALENDAR\r\n"
_CANCELLED = b"\r\nSTATUS:CANCELLED\r\n"
_MARKS = (("[已取消] ".encode()), b"[Cancelled] ")
ALARMS = (5, 10, 15, 30, 60, 120, 1440)
"""Minutes before the start that may be asked for: what calendar programs offer themselves."""


class Cancelled(Enum):
    """How cancelled events show."""

    BOTH = "both"
    HIDE = "hide"
    MARK = "mark"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a link asks for. Raises ValueError naming the parameter."""

    cancelled: Cancelled = Cancelled.BOTH
    alarm: int | None = None

    def __post_init__(self) -> None:
        if self.alarm is not None and self.alarm not in ALARMS:
            raise ValueError(f"alarm: one of {', '.join(map(str, ALARMS))} minutes, not {self.alarm}")

    @property
    def is_plain(self) -> bool:
        return self.cancelled is Cancelled.BOTH and self.alarm is None


def fulfil(feed: bytes, wish: Wish) -> bytes:
    """The feed as the wish wants it. Equal feeds and wishes give equal bytes."""
    if wish.is_plain:
        return feed
    head, events = cut(feed)
    return head + b"".join(_event(event, wish) for event in events) + _CLOSE if events else feed


def _event(event: bytes, wish: Wish) -> bytes:
    if _CANCELLED in event:
        return _cancelled(event, wish.cancelled)
    if wish.alarm is None or b"\r\nDTSTART;VALUE=DATE" in event:
        return event
    return event.removesuffix(_END) + _alarm(wish.alarm) + _END


def _cancelled(event: bytes, how: Cancelled) -> bytes:
    if how is Cancelled.HIDE:
        return b""
    if how is Cancelled.MARK:
        return event.replace(_CANCELLED, b"\r\nSTATUS:CONFIRMED\r\n")
    for mark in _MARKS if how is Cancelled.STATUS else ():
        event = event.replace(b"SUMMARY:" + mark, b"SUMMARY:", 1)
    return event


def _alarm(minutes: int) -> bytes:
    before = f"-PT{minutes}M" if minutes < 1440 else "-P1D"
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:来坐 Laizuo\r\nTRIGGER:{before}\r\nEND:VALARM\r\n".encode()
