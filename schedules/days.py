"""Reads the calendar of days that ships with the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from schedules.core.calendar_days import Calendar, parse_year


@cache
def shipped_calendar() -> Calendar:
    """Every `data/days_*.toml`. Files are part of the program, so they are read once."""
    folder = files("schedules") / "data"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("days_"))
    return Calendar(tuple(parse_year((folder / name).read_text("utf-8")) for name in names))
