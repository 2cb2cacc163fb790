"""Rules of seeing somebody else's recording, and the chain of its access journal. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# One sitting; who needs longer asks again, with a reason.
OPEN_FOR: Final = timedelta(hours=8)
# Procedures where a reason is enough. Elsewhere a second person agrees: what is said in mediation and advice is confidential, and that it
# got out is a ground for complaint (online mediation rules, article 29).
REASON_IS_ENOUGH: Final = frozenset({"notarization"})
BEGINNING: Final = "0" * 64
NOTHING_STAMPED: Final[Mapping[int, str]] = {}
# Tells these hashes apart from those of a journal's chain (0x00 to 0x03).
_PREFIX: Final = b"\x04"


def needs_second(procedure: str) -> bool:
    """Whether a second person has to agree before somebody who did not lead the session sees it."""
    return procedure not in REASON_IS_ENOUGH


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an access journal: the line as it was hashed, and the head after it."""

    line: str
    head: str


def line_of(session: str, n: int, at: datetime, kind: str, actor: str | None, facts: Mapping[str, str]) -> str:
    """The JSON of one entry: sorted keys, no blanks. facts may not take the other names."""
    told = {**facts, "session": session, "n": n, "at": at.isoformat(), "kind": kind, "actor": actor}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def moment(at: str) -> datetime:
    """The time of an entry."""
    return datetime.fromisoformat(at)


def head_after(previous: str, line: str) -> str:
    """SHA-256(0x04, the head before, the line), in hex."""
    return hashlib.sha256(_PREFIX + bytes.fromhex(previous) + line.encode()).hexdigest()


def first_wrong(session: str, entries: Sequence[Entry], stamped: Mapping[int, str] = NOTHING_STAMPED) -> int | None:
    """The number of the first entry that does not follow from those before it, or has another head than was stamped; None: all do.

    stamped     heads by number, from time stamps: one that is not there any more is wrong too
    """
    head = BEGINNING
    for n, entry in enumerate(entries):
        head = head_after(head, entry.line)
        told = json.loads(entry.line)
        if (entry.head, told.get("n"), told.get("session")) != (head, n, session):
            return n
        if stamped.get(n, head) != head:
            return n
    return min((n for n in stamped if n >= len(entries)), default=None)


@dataclass(frozen=True, slots=True)
class StampedHead:
    """What a time stamp says of one entry: its head was this at that instant. source: where the stamp was kept."""

    entry: int
    head: str
    at: datetime
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with an entry. at: when it says it was written; None: there is no such entry, or it does not say."""

    entry: int
    at: datetime | None
    what: str


def all_wrong(
    session: str, entries: Sequence[Entry], stamps: Sequence[StampedHead], clocks_apart: timedelta
) -> list[Wrong]:
    """Everything that does not fit, in the order of the entries: chain, heads that were stamped, entries that are gone, dates."""
    found, head = [], BEGINNING
    times = [_time_of(entry.line) for entry in entries]
    for n, entry in enumerate(entries):
        if entry.head != head_after(head, entry.line):
            found.append(Wrong(n, times[n], "its head does not follow from the entry before it and its line"))
        if not _is_numbered(entry.line, session, n):
            found.append(Wrong(n, times[n], "its line is of another entry or of another recording"))
        head = entry.head
    for stamp in stamps:
        told = f"{stamp.by} stamped at {stamp.at:%Y-%m-%d %H:%M:%S} UTC ({stamp.source})"
        if stamp.entry >= len(entries):
            found.append(Wrong(stamp.entry, None, f"is gone: {told}"))
        elif entries[stamp.entry].head != stamp.head:
            found.append(
                Wrong(
                    stamp.entry,
                    times[stamp.entry],
                    f"has another head than the one that {told}: it or one before it was rewritten",
                )
            )
        elif (at := times[stamp.entry]) is None or at > stamp.at + clocks_apart:
            found.append(Wrong(stamp.entry, at, f"says that it was written after {told}"))
    return sorted(found, key=lambda one: (one.entry, one.what))


def _time_of(line: str) -> datetime | None:
    try:
        at = moment(json.loads(line)["at"])
    except (ValueError, KeyError, TypeError):
        return None
    return at if at.tzinfo else None


def _is_numbered(line: str, session: str, n: int) -> bool:
    try:
        told = json.loads(line)
    except ValueError:
        return False
    return isinstance(told, dict) and (told.get("n"), told.get("session")) == (n, session)
