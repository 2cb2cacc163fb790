"""Legal limits of one's own cases: entered, stopped, let go on, done; each change makes the calendar of them anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schedules.core import ical
from schedules.core.event_feeds import limits_feed
from schedules.core.explain import Language
from schedules.core.limits import RULES, Case, limit_of, run_of
from schedules.core.model import CHINA, PersonId
from schedules.store import feeds as feed_store
from schedules.store import limits as store
from schedules.store.days import load_calendar
from schedules.store.feeds import FeedOf
from server import audit
from server.access.core import Action
from server.access.require import require_own
from server.access.tokens import new_token, token_hash
from server.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from datetime import date, datetime

    from schedules.core.calendar_days import Calendar
    from server.access.core import Actor
    from server.db import Connection

LONGEST_AGO_DAYS = 400


async def add_limit(conn: Connection, actor: Actor, rule: str, reference: str, starts: date, now: datetime) -> str:
    """Start a clock; its id. Raises BadInput, Conflict('limit_known')."""
    me = _own(actor)
    if rule not in RULES:
        raise BadInput("bad_input", field="rule", detail=f"one of {', '.join(RULES)}")
    if not 0 <= (now.astimezone(CHINA).date() - starts).days <= LONGEST_AGO_DAYS:
        raise BadInput("bad_input", field="starts", detail=f"today or up to {LONGEST_AGO_DAYS} days ago")
    await store.lock(conn, me)
    limit = await store.add(conn, me, rule, reference, starts, now)
    if limit is None:
        raise Conflict("limit_known")
    await _changed(conn, actor, limit, "add_limit", now)
    return limit


async def pause_limit(conn: Connection, actor: Actor, limit: str, first: date, reason: str, now: datetime) -> None:
    """Stop its clock. Raises NotFound, Conflict('limit_moved') where it stands still or is done."""
    case = await _case_of(conn, actor, limit)
    if case.ended_on is not None or case.stands_still or first <= case.starts:
        raise Conflict("limit_moved")
    if any(pause.last is not None and first <= pause.last for pause in case.pauses):
        raise Conflict("limit_moved")
    await store.pause(conn, case.id, first, reason)
    await _changed(conn, actor, case.id, "pause_limit", now)


async def resume_limit(conn: Connection, actor: Actor, limit: str, last: date, now: datetime) -> None:
    """Let its clock go on after `last`. Raises NotFound, Conflict('limit_moved') where it runs or is done."""
    case = await _case_of(conn, actor, limit)
    open_since = [pause.first for pause in case.pauses if pause.last is None]
    if case.ended_on is not None or not open_since or last < open_since[0]:
        raise Conflict("limit_moved")
    await store.resume(conn, case.id, last)
    await _changed(conn, actor, case.id, "resume_limit", now)


async def end_limit(conn: Connection, actor: Actor, limit: str, now: datetime) -> None:
    """What it was for is done. Raises NotFound, Conflict('limit_moved') where it was done already."""
    case = await _case_of(conn, actor, limit)
    if not await store.end(conn, case.id, now.astimezone(CHINA).date()):
        raise Conflict("limit_moved")
    await _changed(conn, actor, case.id, "end_limit", now)


async def own_cases(conn: Connection, actor: Actor) -> tuple[tuple[Case, ...], Calendar]:
    """One's own limits, and the days they run by."""
    return await store.list_cases(conn, _own(actor)), await load_calendar(conn)


async def rotate_limits_link(conn: Connection, actor: Actor, now: datetime) -> str:
    """A new secret for the calendar of one's limits; the old link ends at once."""
    me = _own(actor)
    await store.lock(conn, me)
    feed = await save_limits_feed(conn, me, await load_calendar(conn), now)
    secret = new_token()
    await feed_store.rotate_feed_token(conn, feed, me, token_hash(secret), now, "deadlines")
    await audit.append(conn, actor, "rotate_feed_token", "feed", feed, now)
    return secret


async def revoke_limits_link(conn: Connection, actor: Actor, now: datetime) -> None:
    """End it. Raises NotFound where there is none."""
    me = _own(actor)
    if not await feed_store.revoke_feed_token(conn, me, now, "deadlines"):
        raise NotFound()
    await audit.append(conn, actor, "revoke_feed_token", "person", me, now)


async def after_notice(conn: Connection, now: datetime) -> int:
    """Days have changed: every limit runs anew; how many end on another day."""
    calendar = await load_calendar(conn)
    moved = 0
    for who in await store.people_with_limits(conn):
        person = PersonId(who)
        await store.lock(conn, person)
        cases = await store.list_cases(conn, person)
        moved += sum(c.ended_on is None and run_of(c, calendar).due != c.told for c in cases)
        await save_limits_feed(conn, person, calendar, now)
    return moved


async def save_limits_feed(conn: Connection, person: PersonId, calendar: Calendar, now: datetime) -> str:
    """Make the calendar's bytes; the sequence of whatever ends on another day than it was told rises. The feed's id."""
    shown = []
    for case in await store.list_cases(conn, person):
        limit = limit_of(case, calendar)
        due = None if limit is None else limit.due
        if due != case.told:
            more = int(case.told is not None or case.sequence > 0)
            await store.tell(conn, case.id, due, more=more, now=now)
            limit = limit and replace(limit, sequence=case.sequence + more, changed_at=now)
        if limit is not None:
            shown.append(limit)
    bodies = {language.value: ical.render(limits_feed(shown, language)) for language in Language}
    return await feed_store.save_feed(conn, FeedOf(person=person, about="deadlines"), bodies, now)


async def _changed(conn: Connection, actor: Actor, limit: str, action: str, now: datetime) -> None:
    await audit.append(conn, actor, action, "limit", limit, now)
    await save_limits_feed(conn, _own(actor), await load_calendar(conn), now)


async def _case_of(conn: Connection, actor: Actor, limit: str) -> Case:
    """One's own limit; somebody else's is not found."""
    me = _own(actor)
    await store.lock(conn, me)
    case = next((case for case in await store.list_cases(conn, me) if case.id == limit), None)
    if case is None:
        raise NotFound()
    return case


def _own(actor: Actor) -> PersonId:
    require_own(actor, Action.OWN_FEED, actor.id)
    return PersonId(actor.id or "")
