"""The receipt in words: what a device has, and which changes are not on it yet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

USUAL_DELAY = {
    "google": timedelta(hours=24),
    "outlook": timedelta(hours=24),
    "apple": timedelta(hours=1),
    "nextcloud": timedelta(days=7),
}
"""How long a program usually waits before it asks again (product rules, point 6); others are asked for an hour by the feed itself."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One change that a device does not know. `start` as in the calendar: 20261124T090000 or 20261124."""

    what: str
    start: str
    summary: str

    @property
    def day(self) -> str:
        return f"{self.start[:4]}-{self.start[4:6]}-{self.start[6:8]}"

    @property
    def time(self) -> str:
        return f"{self.start[9:11]}:{self.start[11:13]}" if "T" in self.start else ""


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One program: `version` None where it has one that we no longer know. `missing` is empty where it is up to date."""

    program: str
    version: int | None
    newest: int
    fetched_at: datetime
    next_by: datetime
    missing: tuple[Missing, ...]

    @property
    def is_current(self) -> bool:
        return self.version == self.newest


def next_by(program: str, fetched_at: datetime) -> datetime:
    """When this program will probably have asked again."""
    return fetched_at + USUAL_DELAY.get(program, timedelta(hours=1))
