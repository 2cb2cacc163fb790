"""What is said to whom, and when it is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

TRIES_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 1440))
"""A mail server that greylists takes the second try; one that is down over night the seventh. After two days the news is old."""


class Channel(Enum):
    """By which way."""

    MAIL = "mail"
    PHONE = "phone"  # a text message; without an adapter it is logged as not sent by this way
    LOG = "log"  # no address is known: it stands on the person's own page only


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `kind` names its reason, e.g. `duty_changed`."""

    channel: Channel
    address: str
    kind: str
    subject: str
    body: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that the worker holds."""

    id: int
    message: Message
    attempts: int
    made_at: datetime


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after this many failed attempts; None: give up."""
    return now + TRIES_AFTER[attempts - 1] if attempts <= len(TRIES_AFTER) else None
