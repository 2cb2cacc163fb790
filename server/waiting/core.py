"""Rules of the line, pure: what a ticket can become, its number, an honest estimate."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from server.access.core import SERVES, Role

SERVICES = ("notarization", "mediation", "legal_aid", "legal_advice")
# First character of the number that is called out: one letter a service, none that sounds like another in Mandarin or English.
LETTERS = {"notarization": "G", "mediation": "T", "legal_aid": "Y", "legal_advice": "Z"}
CITY_TIME = ZoneInfo("Asia/Shanghai")

# Minutes a session takes before the site has figures of its own: 20 to 30 for a remote notarization (product/2-rules B0.1), the rest by its
# nature; kept here and shown as "about".
USUAL_MINUTES = {"notarization": 25, "mediation": 40, "legal_aid": 20, "legal_advice": 15}
# Whose desk shows which lines: who serves a line sees it, and an assistant sees the notary's.
SEEN_BY: dict[Role, frozenset[str]] = SERVES | {Role.NOTARY_ASSISTANT: SERVES[Role.NOTARY]}
ENOUGH_SESSIONS = 5  # fewer than these say nothing about the usual length


class TicketState(StrEnum):
    """Where a ticket is in its life."""

    WAITING = "waiting"  # in line
    CALLED = "called"  # a professional has called it, the session is open
    SERVING = "serving"  # both are in the room
    DONE = "done"  # served
    ABANDONED = "abandoned"  # the citizen left the line
    NO_SHOW = "no_show"  # called and did not come
    TRANSFERRED = "transferred"  # goes on as another ticket


TRANSITIONS: dict[TicketState, frozenset[TicketState]] = {
    TicketState.WAITING: frozenset({TicketState.CALLED, TicketState.ABANDONED, TicketState.TRANSFERRED}),
    TicketState.CALLED: frozenset({TicketState.SERVING, TicketState.DONE, TicketState.NO_SHOW, TicketState.WAITING}),
    TicketState.SERVING: frozenset({TicketState.DONE, TicketState.TRANSFERRED, TicketState.NO_SHOW}),
    TicketState.DONE: frozenset(),
    TicketState.ABANDONED: frozenset(),
    TicketState.NO_SHOW: frozenset(),
    TicketState.TRANSFERRED: frozenset(),
}


def ticket_number(letter: str, count: int) -> str:
    """What is shown and called out: letter and at least three figures, `G007`."""
    return f"{letter}{count:03d}"


def day_of(now: datetime) -> date:
    """The day whose numbers count, in the city's time."""
    return now.astimezone(CITY_TIME).date()


def estimated_wait(people_ahead: int, serving: int, service: str, recent: list[timedelta]) -> int | None:
    """Seconds until the call, or None where nobody serves: no number is better than a made-up one.

    people_ahead  waiting before this ticket
    serving       professionals who serve this line now
    recent        lengths of the line's latest sessions; their mean counts from five on, the usual length before
    """
    if serving <= 0:
        return None
    usual = timedelta(minutes=USUAL_MINUTES[service])
    mean = sum(recent, timedelta()) / len(recent) if len(recent) >= ENOUGH_SESSIONS else usual
    return (
        round((people_ahead + 1) * mean.total_seconds() / serving)
        if people_ahead
        else round(mean.total_seconds() / serving / 2)
    )
