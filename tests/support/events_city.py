"""Events in the small city of duty_city, for tests over the services and over HTTP."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from schedules.core.model import Interval, SiteId, local
from schedules.core.public_events import Content, EventKind, PublicEvent
from server.db.pool import in_transaction
from server.events import registering, service
from server.events.registering import Applicant
from tests.support.duty_city import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from schedules.core.lectures import Place
    from server.access.core import Actor
    from server.db import Connection, Pool

BASE = "http://127.0.0.1"
THURSDAY = date(2026, 11, 26)
PATIENCE_S = 120.0  # a hundred come at once and are settled one after the other


def lecture(
    site: SiteId, *, seats: int | None = 2, on: date = THURSDAY, venue: str = "二楼会议室", title: str = "公司合规"
) -> Content:
    """An afternoon's lecture."""
    during = Interval(local(on, time(14, 30)), local(on, time(16, 30)))
    return Content(site, title, during, topic="company_law", venue=venue, speakers=("陈淑芬",), capacity=seats)


async def published(
    db: Pool, actor: Actor, slug: str, content: Content, kind: EventKind = EventKind.LECTURE, now: datetime = NOW
) -> PublicEvent:
    """Draft and publish in one transaction."""

    async def work(conn: Connection) -> PublicEvent:
        event = await service.add_event(conn, actor, slug, kind, lambda _: content, None, now)
        return await service.change_event(conn, actor, event.id, 1, service.to_publish(now), BASE, now)

    return await in_transaction(db, work, PATIENCE_S)


async def change(
    db: Pool, actor: Actor, event: PublicEvent, to: Callable[[PublicEvent], PublicEvent], now: datetime = NOW
) -> PublicEvent:
    """One change of the state that `event` is."""

    async def work(conn: Connection) -> PublicEvent:
        return await service.change_event(conn, actor, event.id, event.revision, to, BASE, now)

    return await in_transaction(db, work, PATIENCE_S)


async def register(
    db: Pool, event: PublicEvent, name: str = "", phone: str = "", now: datetime = NOW, mail: str = ""
) -> tuple[Place, int, str]:
    """One press of the button."""

    async def work(conn: Connection) -> tuple[Place, int, str]:
        return await registering.register(conn, event.id, Applicant(name, phone, "zh-CN", uuid4().hex, mail), BASE, now)

    return await in_transaction(db, work, PATIENCE_S)


async def give_up(db: Pool, secret: str, now: datetime = NOW) -> None:
    async def work(conn: Connection) -> None:
        await registering.give_up(conn, secret, now)

    await in_transaction(db, work, PATIENCE_S)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)
