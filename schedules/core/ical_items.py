"""A rendered feed taken apart again: its items, each as a calendar of its own, and what differs between two versions.

The bytes of a feed are made once (ical.render); CalDAV's items and the history of versions are cut out of them, so that no reader can
ever see another calendar than the others. Only what we rendered is read here: CRLF lines, one VEVENT per UID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_BEGIN, _END = b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n"
_CLOSE = b"END:VCALENDAR\r\n"
_OF_THE_FEED = (
    b"NAME:",
    b"X-WR-CALNAME:",
    b"DESCRIPTION:",
    b"X-WR-CALDESC:",
    b"REFRESH-INTERVAL",
    b"X-PUBLISHED-TTL",
    b"URL:",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One event as a calendar of its own. `tag` is its strong ETag with quotes; `start` and `end` as they stand in DTSTART, DTEND."""

    uid: str
    body: bytes
    tag: str
    start: str
    summary: str
    is_cancelled: bool
    end: str

    @property
    def line(self) -> Line:
        return Line(self.tag, self.start, self.summary, self.is_cancelled)


@dataclass(frozen=True, slots=True)
class Line:
    """What a version remembers of an item."""

    tag: str
    start: str
    summary: str
    is_cancelled: bool


Manifest = Mapping[str, Line]
"""Lines of one version by UID."""


class Difference(Enum):
    """What happened to an item."""

    ADDED = "added"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    GONE = "gone"  # its time has passed or it was withdrawn long ago


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One difference; `line` is the newer one, or the last one of what is gone."""

    uid: str
    difference: Difference
    line: Line


def cut(feed: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the events of a rendered feed, and each event whole. Raises ValueError where it is no feed of ours.

    Only whole lines begin and end an event: a room may be called END:VEVENT, and a folded line begins with a space.
    """
    if not feed.endswith(b"\r\n" + _CLOSE):
        raise ValueError("feed: END:VCALENDAR is missing")
    head, begin, rest = feed.removesuffix(_CLOSE).partition(b"\r\n" + _BEGIN)
    if not begin:
        return head, []
    *events, nothing = (_BEGIN + rest).split(b"\r\n" + _END)
    if nothing:
        raise ValueError("feed: END:VEVENT is missing")
    return head + b"\r\n", [event + b"\r\n" + _END for event in events]


def split(feed: bytes) -> tuple[Item, ...]:
    """The items of a rendered feed in its order. Raises ValueError where it is no feed of ours."""
    head, events = cut(feed)
    frame = b"".join(line for line in _unfolded_lines(head) if not line.startswith(_OF_THE_FEED))
    return tuple(_item(frame, event) for event in events)


def _unfolded_lines(head: bytes) -> list[bytes]:
    """Content lines with their folds inside, so that dropping a line drops its continuation too."""
    lines: list[bytes] = []
    for line in head.splitlines(keepends=True):
        if line.startswith(b" ") and lines:
            lines[-1] += line
        else:
            lines.append(line)
    return lines


def _item(frame: bytes, event: bytes) -> Item:
    body = frame + event + _CLOSE
    values = _values(event)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    cancelled = values.get("STATUS") == "CANCELLED"
    return Item(values["UID"], body, tag, values["DTSTART"], values["SUMMARY"], cancelled, values["DTEND"])


def _values(event: bytes) -> dict[str, str]:
    """Property values by name, without parameters; the first of each."""
    found: dict[str, str] = {}
    for line in event.replace(b"\r\n ", b"").decode().split("\r\n"):
        name, _, value = line.partition(":")
        found.setdefault(name.partition(";")[0], value.replace("\\,", ",").replace("\\;", ";").replace("\\n", " "))
    return found


def manifest(feed: bytes) -> dict[str, Line]:
    """What a version must remember."""
    return {item.uid: item.line for item in split(feed)}


def differences(old: Manifest, new: Manifest) -> tuple[ItemChange, ...]:
    """What somebody who has `old` does not know yet, in order of time."""
    found = [ItemChange(uid, Difference.GONE, line) for uid, line in old.items() if uid not in new]
    for uid, line in new.items():
        was = old.get(uid)
        if was is None:
            found.append(ItemChange(uid, Difference.ADDED, line))
        elif was.tag != line.tag:
            ended = line.is_cancelled and not was.is_cancelled
            found.append(ItemChange(uid, Difference.CANCELLED if ended else Difference.CHANGED, line))
    return tuple(sorted(found, key=lambda change: (change.line.start, change.uid)))
