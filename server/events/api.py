"""The event API: rules, drafts, publishing, registration, the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from schedules.core.explain import Words
from schedules.core.lectures import Place
from schedules.core.model import SiteId
from schedules.core.public_events import EventKind
from schedules.core.themes import month_after
from schedules.store.events import Screening, Series
from server.access.address import client_address
from server.access.core import Action
from server.access.rates import Rate
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.errors import TooMany
from server.events import registering, service
from server.events.bodies import (
    CancelBody,
    EventBody,
    FeedbackBody,
    PlaceView,
    RegisterBody,
    Registered,
    Revision,
    RuleBody,
    RuleSaved,
    Saved,
    ScreeningBody,
    SeriesBody,
)
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from schedules.core.public_events import PublicEvent
    from server.db import Connection

REGISTRATIONS: web.AppKey[Rate] = web.AppKey("registration_rate", Rate)


def base_url(call: Call[Any]) -> str:
    """Where the public finds us, without a slash at the end."""
    return call.app[SETTINGS].public_url.rstrip("/")


async def add_rule(call: Call[RuleBody]) -> RuleSaved:
    """A monthly theme day, with a draft for each coming month."""

    async def work(conn: Connection) -> tuple[str, int]:
        return await service.add_rule(conn, call.actor, call.path("slug"), call.body.to_rule, call.now)

    return RuleSaved(*await in_transaction(call.pool, work))


async def retire_rule(call: Call[None]) -> None:
    """End a rule."""

    async def work(conn: Connection) -> None:
        await service.retire_rule(conn, call.actor, call.path("slug"), call.path("rule"), call.now)

    await in_transaction(call.pool, work)


async def add_lecture(call: Call[EventBody]) -> Saved:
    """Draft a lecture."""
    return await _add(call, EventKind.LECTURE)


async def add_theme_day(call: Call[EventBody]) -> Saved:
    """Draft a single theme day."""
    return await _add(call, EventKind.THEME_DAY)


async def _add(call: Call[EventBody], kind: EventKind) -> Saved:
    async def work(conn: Connection) -> PublicEvent:
        where = (call.actor, call.path("slug"), kind)
        return await service.add_event(conn, *where, call.body.to_content, call.body.series, call.now)

    event = await in_transaction(call.pool, work)
    return Saved(event.id, event.revision)


async def edit_event(call: Call[EventBody]) -> Saved:
    """Change an event; what is public changes at once, with its calendars."""
    return await _change(call, call.body.revision, service.to_edit(call.body.to_content, call.now))


async def publish_event(call: Call[Revision]) -> Saved:
    """Publish an event, or bring a cancelled one back."""
    return await _change(call, call.body.revision, service.to_publish(call.now))


async def cancel_event(call: Call[CancelBody]) -> Saved:
    """Call an event off."""
    return await _change(call, call.body.revision, service.to_cancel(call.body.reason.strip(), call.now))


async def _change(call: Call[Any], revision: int, change: Callable[[PublicEvent], PublicEvent]) -> Saved:
    async def work(conn: Connection) -> PublicEvent:
        where = (call.actor, call.path("event"), revision)
        return await service.change_event(conn, *where, change, base_url(call), call.now)

    event = await in_transaction(call.pool, work)
    return Saved(event.id, event.revision)


async def remove_draft(call: Call[None]) -> None:
    """Throw a draft away."""

    async def work(conn: Connection) -> None:
        await service.remove_draft(conn, call.actor, call.path("event"), call.query.revision, call.now)

    await in_transaction(call.pool, work)


async def add_series(call: Call[SeriesBody]) -> None:
    """A year's series of lectures."""
    body = call.body
    title = Words(body.title.strip(), body.title_en.strip() or body.title.strip())
    series = Series("", body.year, title, SiteId(""), tuple(body.topics))

    async def work(conn: Connection) -> None:
        await service.add_series(conn, call.actor, call.path("slug"), series, body.quotas, call.now)

    await in_transaction(call.pool, work)


async def save_screening(call: Call[ScreeningBody]) -> None:
    """Write down what the month's screening found."""
    body = call.body
    month = month_after(body.month, 0)
    sources = {str(code): (count, note) for code, (count, note) in body.sources.items()}
    done = call.now if body.done else None
    task = Screening(
        month, service.screening_due(month), sources, body.needs.strip(), body.plan.strip(), body.event, done
    )

    async def work(conn: Connection) -> None:
        await service.save_screening(conn, call.actor, call.path("slug"), task, call.now)

    await in_transaction(call.pool, work)


# ---------------------------------------------------------------- registration


async def register(call: Call[RegisterBody]) -> Registered:
    """Take a seat, or a place in the line."""
    wait_s = call.app[REGISTRATIONS].take(client_address(call.request), call.now.timestamp())
    if wait_s:
        raise TooMany(wait_s)
    body = call.body

    async def work(conn: Connection) -> tuple[Place, int, str]:
        who = registering.Applicant(body.name, body.phone, language_of(call.request), body.request_key, body.mail)
        return await registering.register(conn, call.path("event"), who, base_url(call), call.now)

    place, before, secret = await in_transaction(call.pool, work)
    state: Literal["registered", "waiting"] = "registered" if place is Place.REGISTERED else "waiting"
    return Registered(state, before, f"{base_url(call)}/my-registration/{secret}")


async def see_place(call: Call[None]) -> PlaceView:
    """Where one's registration stands."""
    async with call.connection() as conn:
        held = await registering.held_by(conn, call.path("secret"))
    return PlaceView(held.registration.place.value, held.waiting_before, held.event.state.value)


async def give_up(call: Call[None]) -> None:
    """Give one's place back."""

    async def work(conn: Connection) -> None:
        await registering.give_up(conn, call.path("secret"), call.now)

    await in_transaction(call.pool, work)


async def give_feedback(call: Call[FeedbackBody]) -> None:
    """Say how it was."""

    async def work(conn: Connection) -> None:
        await registering.give_feedback(conn, call.path("secret"), call.body.rating, call.body.text, call.now)

    await in_transaction(call.pool, work)


async def check_in(call: Call[None]) -> None:
    """Note at the door that somebody came."""

    async def work(conn: Connection) -> None:
        await registering.check_in(conn, call.actor, call.path("registration"), call.now)

    await in_transaction(call.pool, work)


_SITE = "/api/sites/{slug}"
_EVENT = "/api/events/{event}"
_EDIT = Action.EDIT_EVENTS
_MINE = "/api/my-registration/{secret}"

OPERATIONS = [
    Operation(
        "POST", _SITE + "/theme-rules", add_rule, _EDIT, "Add a monthly theme day", body=RuleBody, reply=RuleSaved
    ),
    Operation("DELETE", _SITE + "/theme-rules/{rule}", retire_rule, _EDIT, "End a monthly theme day"),
    Operation("POST", _SITE + "/theme-days", add_theme_day, _EDIT, "Draft a theme day", body=EventBody, reply=Saved),
    Operation("POST", _SITE + "/lectures", add_lecture, _EDIT, "Draft a lecture", body=EventBody, reply=Saved),
    Operation("POST", _SITE + "/lecture-series", add_series, _EDIT, "Add a year's series", body=SeriesBody),
    Operation("PUT", _SITE + "/screening", save_screening, _EDIT, "Keep the monthly screening", body=ScreeningBody),
    Operation("PUT", _EVENT, edit_event, _EDIT, "Change an event", body=EventBody, reply=Saved),
    Operation("DELETE", _EVENT, remove_draft, _EDIT, "Throw a draft away", query=Revision),
    Operation("POST", _EVENT + "/publish", publish_event, _EDIT, "Publish an event", body=Revision, reply=Saved),
    Operation("POST", _EVENT + "/cancel", cancel_event, _EDIT, "Call an event off", body=CancelBody, reply=Saved),
    Operation(
        "POST", _EVENT + "/registrations", register, Action.REGISTER, "Register", body=RegisterBody, reply=Registered
    ),
    Operation("GET", _MINE, see_place, Action.REGISTER, "See one's registration", reply=PlaceView),
    Operation("DELETE", _MINE, give_up, Action.REGISTER, "Give one's place back"),
    Operation("PUT", _MINE + "/feedback", give_feedback, Action.REGISTER, "Say how it was", body=FeedbackBody),
    Operation(
        "POST", "/api/registrations/{registration}/check-in", check_in, Action.CHECK_IN_ATTENDEE, "Check somebody in"
    ),
]
