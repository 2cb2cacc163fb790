"""What the roster API takes and answers."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal
from uuid import uuid4

import msgspec

from schedules.core.model import (
    ALWAYS,
    HolidayRule,
    MakeupRule,
    PersonId,
    Post,
    Rotation,
    RotationId,
    SiteId,
    Turn,
    Window,
)
from server.errors import BadInput

Service = Literal["notarization", "mediation", "legal_aid", "legal_advice"]
Role = Literal["notary", "notary_assistant", "mediator", "lawyer", "site_worker"]
PersonText = Annotated[str, msgspec.Meta(max_length=36)]
ClockText = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
# Free text: no control characters and no line breaks, which calendars and databases choke on.
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
TitleText = Annotated[str, msgspec.Meta(max_length=80, pattern=_LINE)]
ReasonText = Annotated[str, msgspec.Meta(max_length=200, pattern=_LINE)]
SlotText = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f-]{36}/\d{4}-\d{2}-\d{2}$")]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]


class PostBody(msgspec.Struct, forbid_unknown_fields=True):
    """One post of a shift; `needs` is the qualification without which nobody may hold it."""

    role: Role
    needs: Role | None = None


class RotationBody(msgspec.Struct, forbid_unknown_fields=True):
    """A rotation. `revision` is the draft's that was edited; times are local, `ends` not after `starts` means the next day."""

    revision: int
    service: Service
    weekdays: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)]
    starts: ClockText
    ends: ClockText
    posts: Annotated[list[PostBody], msgspec.Meta(min_length=1, max_length=6)]
    members: Annotated[list[list[PersonText]], msgspec.Meta(min_length=1, max_length=200)]
    anchor: date
    title: TitleText = ""
    turn: Literal["week", "shift", "fair"] = "week"
    week_starts: Weekday = 1
    holidays: Literal["skip", "serve"] = "skip"
    makeup_days: Literal["skip", "serve"] = "skip"
    serves_first: date | None = None
    serves_last: date | None = None
    team: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{1,40}$")] | None = None

    def to_rotation(self, site: str, identifier: str | None) -> Rotation:
        """The rule it describes. Raises BadInput for one that contradicts itself."""
        serves = Window(self.serves_first or ALWAYS.first, self.serves_last or ALWAYS.last)
        if serves.last < serves.first:
            raise BadInput("bad_window", field="serves_last")
        try:
            return Rotation(
                id=RotationId(identifier or str(uuid4())),
                site=SiteId(site),
                service=self.service,
                title=self.title.strip(),
                weekdays=frozenset(self.weekdays),
                starts=time.fromisoformat(self.starts),
                ends=time.fromisoformat(self.ends),
                posts=tuple(Post(post.role, post.needs) for post in self.posts),
                members=tuple(tuple(PersonId(person) for person in entry) for entry in self.members),
                anchor=self.anchor,
                turn=Turn(self.turn),
                week_starts=self.week_starts,
                holidays=HolidayRule(self.holidays),
                makeup_days=MakeupRule(self.makeup_days),
                serves=serves,
                team=self.team,
            )
        except ValueError as error:
            field, _, reason = str(error).partition(": ")
            raise BadInput("bad_input", field=field, detail=reason) from error


class RevisionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The revision of the draft that was edited."""

    revision: int


class WindowBody(msgspec.Struct, forbid_unknown_fields=True):
    """The days that the next publish covers, both included."""

    revision: int
    first: date
    last: date


class OverrideBody(msgspec.Struct, forbid_unknown_fields=True):
    """A decision on one shift: `substitute` names a person for a post, `close` lets it not take place. `reason` is public."""

    revision: int
    slot: SlotText
    kind: Literal["substitute", "close"]
    post: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    person: PersonText | None = None
    reason: ReasonText = ""


class LeaveBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whole local days on which a person is away, both included."""

    person: PersonText
    first: date
    last: date


class Edited(msgspec.Struct):
    """The draft's new revision, and the id of what was made, if something was."""

    revision: int
    id: str | None = None


class LeaveEntered(msgspec.Struct):
    """The id of the leave."""

    id: str


class PublishedView(msgspec.Struct):
    """The version that is public now; `is_new` is false where the plan was public already."""

    version: int
    is_new: bool
    changes: int


class FeedLink(msgspec.Struct):
    """A subscription's two links."""

    https: str
    webcal: str


class OnDutyView(msgspec.Struct):
    """Somebody on duty now; `until` is an instant."""

    name: str
    service: str
    role: str
    until: str
