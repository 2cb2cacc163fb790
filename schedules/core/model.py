"""The nouns of a roster.

Instants are aware UTC datetimes; `date` and `time` values are local to China (see `CHINA`).
People, sites and rotations are text identifiers here; the store maps them to UUIDs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum
from typing import NewType

PersonId = NewType("PersonId", str)
SiteId = NewType("SiteId", str)
RotationId = NewType("RotationId", str)
SlotKey = NewType("SlotKey", str)
"""`<rotation>/<local date>`: what a slot *is*. It survives a new time, a new person and a withdrawal,
so a subscriber's calendar updates its event instead of adding a second one (4-lessons C-22)."""

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""One fixed offset. China had summer time from 1986 to 1991 only; no roster reaches back there, and
feeds that carried those years were misread by clients (4-lessons C-24)."""

RULES_VERSION = 2
"""Raised when the same inputs would give another roster; a release keeps the number it was made with."""


class Turn(Enum):
    """When the rotation hands over to its next member."""

    WEEK = "week"  # a member serves every shift of one local week
    SHIFT = "shift"  # every served shift goes to the next member
    FAIR = "fair"  # no fixed turn: each shift goes to whoever has borne least this year


class HolidayRule(Enum):
    """What a rotation does on a statutory holiday."""

    SKIP = "skip"  # no shift; the turn is not used up
    SERVE = "serve"  # the shift takes place all the same


class MakeupRule(Enum):
    """What a rotation does on a make-up workday that is not one of its weekdays."""

    SKIP = "skip"  # no shift
    SERVE = "serve"  # an additional shift, as on any working day


@dataclass(frozen=True, slots=True)
class Window:
    """Local dates, both ends included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


ALWAYS = Window(date.min, date.max)


@dataclass(frozen=True, slots=True)
class Qualification:
    """A licence or qualification, e.g. `notary`, and the days on which it is valid."""

    code: str
    valid: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class Membership:
    """From admission to exit in a service team (of volunteers, of the six linked teams, ...)."""

    team: str
    during: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person can be asked for at most; none by default.

    max_days_a_week  local days with a duty from Monday to Sunday.
    rest_minutes     between the end of one day's duties and the next day's first.
    """

    max_days_a_week: int | None = None
    rest_minutes: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be on duty. `member` = the days on which the person can serve at all.

    home    where the way to a duty begins; None: not known, no way is counted.
    Names live outside of the core: the rules must not know them.
    """

    id: PersonId
    qualifications: tuple[Qualification, ...] = ()
    member: Window = ALWAYS
    teams: tuple[Membership, ...] = ()
    limits: Limits = NO_LIMITS
    home: SiteId | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open: the end instant is already free."""

    start: datetime
    end: datetime

    def overlaps(self, other: Interval) -> bool:
        return self.start < other.end and other.start < self.end

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Leave:
    """The reason of a leave stays outside of the core: it is nobody's business there."""

    person: PersonId
    during: Interval


@dataclass(frozen=True, slots=True)
class Commitment:
    """A duty that a person already has elsewhere (another site's published roster)."""

    person: PersonId
    during: Interval
    place: str


@dataclass(frozen=True, slots=True)
class Travel:
    """The way between two sites, the same in both directions."""

    one: SiteId
    other: SiteId
    minutes: int


@dataclass(frozen=True, slots=True)
class Post:
    """One seat of a shift. `needs` = qualification code without which nobody may sit there."""

    role: str
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """A "double fixed" duty rule: fixed weekdays, fixed time, members in order.

    weekdays    ISO, 1 = Monday ... 7 = Sunday.
    members     each entry serves together: one person per post, in the order of `posts`.
    anchor      a day in the turn of the first member; turns are counted from it in both directions.
    week_starts ISO weekday on which a weekly turn hands over, at local midnight. Local and not UTC:
                the UTC week begins on Monday at 08:00 in China, so an early Monday shift would still
                belong to last week's member.
    starts, ends local time; an end not after the start lies on the following day.
    team        only its members serve, from their admission to their exit; None: any of `members`.
    """

    id: RotationId
    site: SiteId
    service: str
    title: str
    weekdays: frozenset[int]
    starts: time
    ends: time
    posts: tuple[Post, ...]
    members: tuple[tuple[PersonId, ...], ...]
    anchor: date
    turn: Turn = Turn.WEEK
    week_starts: int = 1
    holidays: HolidayRule = HolidayRule.SKIP
    makeup_days: MakeupRule = MakeupRule.SKIP
    serves: Window = ALWAYS
    team: str | None = None

    def __post_init__(self) -> None:
        _check_rotation(self)


def _check_rotation(rotation: Rotation) -> None:
    if not rotation.weekdays <= frozenset(range(1, 8)) or rotation.week_starts not in range(1, 8):
        raise ValueError("weekdays: ISO weekdays are 1 (Monday) to 7 (Sunday)")
    if not rotation.posts:
        raise ValueError("posts: a shift has at least one post")
    for unit in rotation.members:
        if len(unit) != len(rotation.posts):
            raise ValueError("members: every member entry names one person per post")
        if len(set(unit)) != len(unit):
            raise ValueError("members: nobody serves two posts of one shift")


class OverrideKind(Enum):
    """What a person decided on top of the rotation."""

    SUBSTITUTE = "substitute"  # this person serves this post of this slot
    CLOSE = "close"  # this slot does not take place


@dataclass(frozen=True, slots=True)
class Override:
    """One decision on one slot. `reason` is shown to the public."""

    slot: SlotKey
    kind: OverrideKind
    reason: str = ""
    post: int = 0
    person: PersonId | None = None


class Because(Enum):
    """Why a post is held by whom it is held."""

    TURN = "turn"  # it is this member's turn
    STAND_IN = "stand_in"  # the member whose turn it is cannot; this one has served least
    LEAST = "least"  # no fixed turn: of those who can, this one has borne least this year
    CHOSEN = "chosen"  # the solver's layer: the whole period comes out best so
    OVERRIDE = "override"  # a coordinator decided so
    GAP = "gap"  # nobody can


class DayBecause(Enum):
    """Why there is a shift on this day at all."""

    FIXED_WEEKDAY = "fixed_weekday"  # one of the rotation's weekdays
    MAKEUP_WORKDAY = "makeup_workday"  # a make-up workday, and the rule serves those
    HOLIDAY_SERVED = "holiday_served"  # a statutory holiday, and the rule serves those


class Obstacle(Enum):
    """Why someone cannot serve a slot."""

    ON_LEAVE = "on_leave"
    DOUBLE_BOOKED = "double_booked"
    UNLICENSED = "unlicensed"
    NOT_MEMBER = "not_member"  # not yet, or no longer, in the team
    UNKNOWN = "unknown"  # the roster names a person nobody knows
    NOT_RESTED = "not_rested"  # the night between two days' duties would be too short
    TOO_FAR = "too_far"  # the way from or to another duty takes longer than there is
    TOO_MANY_DAYS = "too_many_days"  # this week's days are used up


@dataclass(frozen=True, slots=True)
class Passed:
    """Someone whose turn it was, or who was asked, and what stood in the way."""

    person: PersonId
    obstacle: Obstacle


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of one assignment, as data; `explain` puts it into words.

    turn      number of the turn counted from the anchor (0 = the anchor's own turn).
    position  place in the order of members, from 0, of whoever serves.
    served    burden minutes that a stand-in, or whoever was chosen, had this year before (see fairness.burden).
    """

    because: Because
    turn: int = 0
    members: int = 0
    position: int | None = None
    passed: tuple[Passed, ...] = ()
    served: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """One post of one slot; no person means a gap."""

    role: str
    person: PersonId | None
    why: Why
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift of the roster. `closed` carries the public reason if it does not take place."""

    key: SlotKey
    site: SiteId
    service: str
    title: str
    during: Interval
    seats: tuple[Seat, ...]
    day_because: DayBecause = DayBecause.FIXED_WEEKDAY
    closed: str | None = None
    team: str | None = None

    @property
    def day(self) -> date:
        return self.during.start.astimezone(CHINA).date()

    @property
    def people(self) -> tuple[PersonId, ...]:
        return tuple(seat.person for seat in self.seats if seat.person is not None)


class WarningCode(Enum):
    """What a coordinator should look at before publishing."""

    GAP = "gap"
    DOUBLE_BOOKED = "double_booked"
    ON_LEAVE = "on_leave"
    UNLICENSED = "unlicensed"
    NOT_MEMBER = "not_member"
    UNKNOWN = "unknown"
    HOLIDAY = "holiday"  # served on a statutory holiday
    PROVISIONAL = "provisional"  # the calendar of this day has no official notice yet
    NOT_RESTED = "not_rested"
    TOO_FAR = "too_far"
    TOO_MANY_DAYS = "too_many_days"
    LICENCE_ENDS = "licence_ends"  # valid on this day, but it expires soon after
    SITE_CLOSED = "site_closed"  # outside of the site's opening hours
    NOT_OFFERED = "not_offered"  # the site does not offer this service
    QUOTA_USED_UP = "quota_used_up"  # more shifts than were purchased
    OVERRIDE_REFUSED = "override_refused"  # the substitute cannot serve
    OVERRIDE_LOST = "override_lost"  # its slot is no longer in the roster


@dataclass(frozen=True, slots=True, order=True)
class Warning:
    """One finding about a roster. Data, never an exception."""

    slot: SlotKey
    code: WarningCode = field(compare=False)
    post: int = 0
    person: PersonId | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What `plan` answers: slots in order of time, and what to look at."""

    site: SiteId
    window: Window
    slots: tuple[Slot, ...]
    warnings: tuple[Warning, ...] = ()
    rules_version: int = RULES_VERSION


def slot_key(rotation: RotationId, day: date) -> SlotKey:
    return SlotKey(f"{rotation}/{day.isoformat()}")


def local(day: date, at: time) -> datetime:
    """The instant (UTC) of a local date and time."""
    return datetime.combine(day, at, CHINA).astimezone(UTC)


def shift_interval(day: date, starts: time, ends: time) -> Interval:
    """Local times to instants; an end not after the start lies on the following day."""
    last = day if ends > starts else day + timedelta(days=1)
    return Interval(local(day, starts), local(last, ends))
