"""Sends what is due. Several web processes may run it: each message is held by one (FOR UPDATE SKIP LOCKED) until its fate is written."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from schedules.store import registrations
from server.api import add_operations
from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.keys import CLOCK, POOL, SETTINGS
from server.messages import seams, store
from server.messages.adapters import LogAdapter, MailAdapter, SendFailed, SmsAdapter
from server.messages.core import Channel, next_try
from server.messages.http import OPERATIONS
from server.tasks import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from aiohttp import web

    from server.config import Settings
    from server.db import Connection, Pool
    from server.messages.adapters import Adapter
    from server.messages.core import Waiting

LOOK_EVERY_S = 2.0  # how long a message waits at most when all is well
AT_ONCE = 1  # per transaction: what is lost with a connection is sent twice, so it is one message
FORGET_EVERY_S = 3600.0

log = logging.getLogger("laizuo.messages")


def adapters_of(settings: Settings) -> dict[Channel, Adapter]:
    """The ways that are configured."""
    silent = LogAdapter()
    mail: Adapter = MailAdapter(settings.mail) if settings.mail else silent
    sms: Adapter = SmsAdapter(settings.sms) if settings.sms else silent
    return {Channel.MAIL: mail, Channel.PHONE: sms, Channel.LOG: silent}


async def send_due(pool: Pool, adapters: Mapping[Channel, Adapter], now: datetime) -> int:
    """Send what is due now, one transaction per message's fate; how many were looked at."""

    async def work(conn: Connection) -> int:
        waiting = await store.take_due(conn, AT_ONCE, now)
        for entry in waiting:
            await _send(conn, adapters[entry.message.channel], entry, now)
        return len(waiting)

    return await in_transaction(pool, work)


async def _send(conn: Connection, adapter: Adapter, entry: Waiting, now: datetime) -> None:
    try:
        await adapter.send(entry)
    except SendFailed as error:
        again = None if error.is_final else next_try(entry.attempts + 1, now)
        log.warning("message %d (%s) was not sent, try %d", entry.id, entry.message.kind, entry.attempts + 1)
        await store.mark_failed(conn, entry.id, again, str(error), now)
    else:
        await store.mark_sent(conn, entry.id, now)


async def sending(app: web.Application) -> AsyncIterator[None]:
    """The worker's task, as long as the application runs."""
    async with running("outbox", _work_for_ever(app)):
        yield


async def _work_for_ever(app: web.Application) -> None:
    adapters = adapters_of(app[SETTINGS])
    loop = asyncio.get_running_loop()
    forget_at = loop.time()
    while True:
        try:
            while await send_due(app[POOL], adapters, app[CLOCK]()) == AT_ONCE:
                pass
            if loop.time() >= forget_at:
                await _forget(app)
                forget_at = loop.time() + FORGET_EVERY_S
        except (DatabaseAway, CommitUnknown):
            log.warning("the outbox waits for the database")
        except Exception:
            log.exception("the outbox stumbled and goes on")  # a task root: it must outlive a bad message
        await asyncio.sleep(LOOK_EVERY_S)


async def _forget(app: web.Application) -> None:
    async def work(conn: Connection) -> None:
        await registrations.forget(conn, app[CLOCK]())

    await in_transaction(app[POOL], work)


def add(app: web.Application) -> None:
    """Plug in."""
    seams.add(app)
    add_operations(app, OPERATIONS)
    app.cleanup_ctx.append(sending)
