"""Rules of the line, pure: what a ticket can become, its number, an honest estimate."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from server.access.core import SERVES, Grant, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    HELD = "held"  # keeps its place and is not called: fetches a paper, feeds a child
    CALLED = "called"  # a professional has called it, the session is open
    SERVING = "serving"  # both are in the room
    DONE = "done"  # served
    ABANDONED = "abandoned"  # the citizen left the line, or the day was over
    NO_SHOW = "no_show"  # called and did not come
    TRANSFERRED = "transferred"  # goes on as another ticket


class Move(StrEnum):
    """What can happen to a ticket after it was taken. The story and the audit trail use these words."""

    CALL = "call"  # next, or this one out of turn
    SERVE = "serve"  # both are in the room (server/sessions)
    FINISH = "finish"  # the session has ended (server/sessions)
    MISS = "miss"  # no-show (server/sessions)
    SKIP = "skip"  # two others first
    HOLD = "hold"
    RESUME = "resume"
    PUT_BACK = "put_back"  # from the call or from the room into the line, place kept (lesson C-4)
    TRANSFER = "transfer"  # to another line, with the story
    OVERFLOW = "overflow"  # nobody answered: another town or the city may
    LEAVE = "leave"  # the citizen goes
    END_DAY = "end_day"  # the line is not kept overnight


_S = TicketState
IN_LINE = frozenset({_S.WAITING, _S.HELD})
WITH_CLERK = frozenset({_S.CALLED, _S.SERVING})
LIVE = IN_LINE | WITH_CLERK

# The whole machine: from which states a move starts, and where it ends. Every statement that moves a ticket asks for these states in its
# WHERE, so two people who move one ticket at once are settled by its row lock: the second finds another state and moves nothing.
TRANSITIONS: dict[Move, tuple[frozenset[TicketState], TicketState]] = {
    Move.CALL: (frozenset({_S.WAITING}), _S.CALLED),
    Move.SERVE: (frozenset({_S.CALLED}), _S.SERVING),
    Move.FINISH: (WITH_CLERK, _S.DONE),
    Move.MISS: (WITH_CLERK, _S.NO_SHOW),
    Move.SKIP: (frozenset({_S.WAITING}), _S.WAITING),
    Move.HOLD: (frozenset({_S.WAITING}), _S.HELD),
    Move.RESUME: (frozenset({_S.HELD}), _S.WAITING),
    Move.PUT_BACK: (WITH_CLERK, _S.WAITING),
    Move.TRANSFER: (LIVE, _S.TRANSFERRED),
    Move.OVERFLOW: (frozenset({_S.WAITING}), _S.WAITING),
    Move.LEAVE: (IN_LINE, _S.ABANDONED),
    Move.END_DAY: (IN_LINE, _S.ABANDONED),
}

# Who goes first. Groups that the law names for help (elderly, disabled: online litigation rules art. 2, legal aid law art. 45; minors) before
# others, a legal limit that would be missed (legal aid law art. 44: less than 7 days) before everybody; within one number by place.
PRIORITIES = {"": 0, "elderly": 3, "disabled": 3, "minor": 3, "urgent": 6}
SELF_DECLARED = frozenset({"", "elderly", "disabled", "minor"})  # staff look at the paper before they say urgent
PLACES_A_SKIP_COSTS = (
    2  # who is passed over is called after two others: enough to walk back from the tap, no punishment
)
STAYS_AFTER_MIDNIGHT = timedelta(hours=4)  # who came at 23:50 is not sent away at 00:00
OFFLINE_FROM = 5001  # numbers of kiosks without a line; a line gives out hundreds a day
OFFLINE_BLOCK = 50  # numbers in one kiosk's block: a village room takes about thirty tickets a day
COUNTS_EARLIER = timedelta(
    minutes=20
)  # an appointment stands where a walk-in stands who came so long before the appointed time
TICKET_BEFORE = timedelta(minutes=10)  # its ticket is made so long before
WAITS_FOR_PERSON = timedelta(minutes=10)  # after the appointed time anybody of the line may call it


def place_at(at: datetime) -> int:
    """The place in line of somebody who counts as having come at this instant: microseconds since 1970."""
    return round(at.timestamp() * 1_000_000)


def offline_places(taken: list[datetime], device_now: datetime, issued: datetime, now: datetime) -> list[int]:
    """Where tickets stand that a kiosk gave out while its line was down.

    taken       by the device's clock, in the order of their numbers
    device_now  the device's clock when it handed them in: its error is taken out
    issued      when the kiosk got its block: nobody stands earlier than that, nor later than `now`
    Returns     one place each, rising in the order of the numbers whatever the clock did
    """
    error = now - device_now
    places: list[int] = []
    for at in taken:
        place = place_at(min(max(at + error, issued), now))
        places.append(max(place, places[-1] + 1) if places else place)
    return places


def may_handle(grants: Iterable[Grant], service: str, area_path: Sequence[str], site_path: Sequence[str]) -> bool:
    """Whether somebody may hold, skip, move and write to a ticket: who sees its line, and the worker of the room where the citizen sits."""
    return any(
        (service in SEEN_BY.get(grant.role, ()) and grant.site_id in area_path)
        or (grant.role is Role.SITE_WORKER and grant.site_id in site_path)
        for grant in grants
    )


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
