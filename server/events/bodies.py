"""What the event API takes and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Annotated, Literal
from uuid import uuid4

import msgspec

from schedules.core.model import Interval, SiteId, local
from schedules.core.public_events import Content
from schedules.core.themes import FixedDay, NthWeekday, OneDate, OnHoliday, When, month_after
from schedules.store.events import ThemeRule
from server.errors import BadInput

# Free text: no control characters, which calendars, mail headers and databases choke on. Lines only where they make sense.
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_LINES = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]*$"
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=_LINE)]
EnglishTitle = Annotated[str, msgspec.Meta(max_length=120, pattern=_LINE)]
Short = Annotated[str, msgspec.Meta(max_length=80, pattern=_LINE)]
Says = Annotated[str, msgspec.Meta(max_length=1000, pattern=_LINES)]
Shorts = Annotated[list[Short], msgspec.Meta(max_length=20)]
ClockText = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Link = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^(https?://[^\s\x00-\x1f]+)?$")]
Seats = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Service = Literal["notarization", "mediation", "legal_aid", "legal_advice"]


class RuleBody(msgspec.Struct, forbid_unknown_fields=True):
    """A monthly theme day. Exactly one of (nth, weekday), day and on says when."""

    title: Title
    starts: ClockText
    ends: ClockText
    first_month: date
    holiday: OnHoliday = OnHoliday.NEXT_WORKING_DAY
    nth: int | None = None
    weekday: int | None = None
    day: int | None = None
    on: date | None = None
    title_en: EnglishTitle = ""
    says: Says = ""
    services: Annotated[list[Service], msgspec.Meta(max_length=6)] = []
    teams: Shorts = []
    materials: Shorts = []

    def to_rule(self, site: SiteId) -> ThemeRule:
        """Raises BadInput naming the field."""
        starts, ends = time.fromisoformat(self.starts), time.fromisoformat(self.ends)
        if ends <= starts:
            raise BadInput("ends_before_start", field="ends")
        return ThemeRule(
            id=str(uuid4()),
            site=site,
            when=self._when(),
            holiday=self.holiday,
            starts=starts,
            ends=ends,
            title=self.title.strip(),
            title_en=self.title_en.strip(),
            says=self.says.strip(),
            services=tuple(self.services),
            teams=tuple(self.teams),
            materials=tuple(self.materials),
            first_month=month_after(self.first_month, 0),
        )

    def _when(self) -> When:
        given = (self.nth is not None and self.weekday is not None, self.day is not None, self.on is not None)
        if sum(given) != 1:
            raise BadInput("bad_input", field="day", detail="one of nth with weekday, day, or on")
        try:
            if self.on is not None:
                return OneDate(self.on)
            return FixedDay(self.day) if self.day is not None else NthWeekday(self.nth or 0, self.weekday or 0)
        except ValueError as error:
            raise BadInput("bad_input", field=str(error).partition(":")[0], detail=str(error)) from error


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """A lecture or a theme day as it shall be. `revision` 0 makes a new one."""

    title: Title
    on: date
    starts: ClockText
    ends: ClockText
    revision: int = 0
    title_en: EnglishTitle = ""
    says: Says = ""
    topic: Annotated[str, msgspec.Meta(max_length=40, pattern=_LINE)] = ""
    venue: Short = ""
    speakers: Shorts = []
    services: Annotated[list[Service], msgspec.Meta(max_length=6)] = []
    teams: Shorts = []
    materials: Shorts = []
    room_link: Link = ""
    recording_link: Link = ""
    capacity: Seats | None = None
    series: str | None = None

    def to_content(self, site: SiteId, before: Content | None = None) -> Content:
        """Why a day was chosen stays while the day stays. Raises BadInput where it would end before it starts."""
        starts, ends = (local(self.on, time.fromisoformat(text)) for text in (self.starts, self.ends))
        if ends <= starts:
            raise BadInput("ends_before_start", field="ends")
        content = Content(
            site=site,
            title=self.title.strip(),
            during=Interval(starts, ends),
            title_en=self.title_en.strip(),
            says=self.says.strip(),
            topic=self.topic.strip(),
            venue=self.venue.strip(),
            speakers=tuple(self.speakers),
            services=tuple(self.services),
            teams=tuple(self.teams),
            materials=tuple(self.materials),
            room_link=self.room_link,
            recording_link=self.recording_link,
            capacity=self.capacity,
        )
        same_time = before is not None and content.during == before.during
        return replace(content, why=before.why) if before is not None and same_time else content


class Revision(msgspec.Struct, forbid_unknown_fields=True):
    """Which state of the event was looked at."""

    revision: int


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    """Call it off, with the reason that the public reads."""

    revision: int
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_LINE)]


class SeriesBody(msgspec.Struct, forbid_unknown_fields=True):
    """A year's series: how many lectures each site owes, by slug."""

    year: Annotated[int, msgspec.Meta(ge=2000, le=2200)]
    title: Title
    quotas: Annotated[dict[str, Annotated[int, msgspec.Meta(ge=1, le=366)]], msgspec.Meta(min_length=1, max_length=100)]
    topics: Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=40)] = []
    title_en: EnglishTitle = ""


class RegisterBody(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody wants a seat. The same request_key is the same press."""

    request_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16,64}$")]
    name: Annotated[str, msgspec.Meta(max_length=40, pattern=_LINE)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=24, pattern=r"^[+0-9 ()-]*$")] = ""
    mail: Annotated[
        str, msgspec.Meta(max_length=254, pattern=r"^([^@\s\x00-\x1f<>\"',;]+@[^@\s\x00-\x1f<>\"',;]+)?$")
    ] = ""


class FeedbackBody(msgspec.Struct, forbid_unknown_fields=True):
    rating: Annotated[int, msgspec.Meta(ge=1, le=5)]
    text: Annotated[str, msgspec.Meta(max_length=500, pattern=_LINES)] = ""


class ScreeningBody(msgspec.Struct, forbid_unknown_fields=True):
    """The month's screening: per source how many and what about; `done` closes it."""

    month: date
    sources: dict[
        Literal["hotline_12345", "petition", "local_problem"],
        tuple[Annotated[int, msgspec.Meta(ge=0, le=1_000_000)], Annotated[str, msgspec.Meta(max_length=500)]],
    ] = {}
    needs: Annotated[str, msgspec.Meta(max_length=2000, pattern=_LINES)] = ""
    plan: Annotated[str, msgspec.Meta(max_length=2000, pattern=_LINES)] = ""
    event: str | None = None
    done: bool = False


class Saved(msgspec.Struct):
    """The event and its revision now."""

    event: str
    revision: int


class RuleSaved(msgspec.Struct):
    """The rule, and how many drafts it made."""

    rule: str
    drafts: int


class Registered(msgspec.Struct):
    """A place. `url` is the personal link, told this once."""

    state: Literal["registered", "waiting"]
    waiting_before: int
    url: str


class PlaceView(msgspec.Struct):
    """Where a registration stands now."""

    state: str
    waiting_before: int
    event_state: str
