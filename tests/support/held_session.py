"""A notarial session that was held, in the application under test: with the journal that a worker would have written, and one reconnect in it."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.recordings import store
from server.recordings.http import RECORDINGS
from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.hall import City, Visitor, kiosk, staff, utc_now
from tests.support.synthetic_session import Person, record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.db import Pool

LENGTH_S = 12.0
AWAY_S = (5.0, 8.0)


@dataclass
class HeldSession:
    """Its id, who led it, and the seat that was away for a while."""

    id: str
    notary: Visitor
    away_seat: str

    async def is_ready(self) -> None:
        """Wait until films and pack are there."""

        async def unready() -> str | None:
            shown = (await (await self.notary.get(f"/api/sessions/{self.id}")).json())["recording"]
            return None if shown["state"] == "ready" else f"the recording is {shown['state']}, {shown['cause']}"

        await eventually(unready, timeout_s=150)


async def hold_session(
    client: Any,
    db: Pool,
    city: City,
    length_s: float = LENGTH_S,
    meanwhile: Callable[[str, str], Awaitable[None]] | None = None,
) -> HeldSession:
    """Call a ticket, write the journal, end the session, wait until the films and the pack are there.

    meanwhile   what happens to (session, room) while its journal is there and it has not ended
    """
    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    notary = await staff(client, db, city, "li.wanqing")
    session = (await (await notary.send("POST", "/api/desk/call-next", {})).json())["session"]
    began = utc_now() - dt.timedelta(seconds=length_s)
    await db.execute("update session set opened_at = $2 where id = $1", session, began)
    async with db.acquire() as conn, conn.transaction():
        key = await client.app[SESSION_KEY](conn, session)
        room = (await store.recorded_rooms(conn, session))[0]
        seats = list(await store.people(conn, session))
    people = [
        Person(seats[0], "VP8", leaves=length_s, away=[AWAY_S] if AWAY_S[1] < length_s else []),
        Person(seats[1], "VP8", joins=1, leaves=length_s),
    ]
    directory = client.app[RECORDINGS].journal_directory(session, room)
    wall_us = int(began.timestamp() * 1e6)
    await asyncio.to_thread(record, directory, people, length_s, names=(session, room), key=key, wall_us=wall_us)
    if meanwhile:
        await meanwhile(session, room)
    await notary.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})

    held = HeldSession(session, notary, seats[0])
    await held.is_ready()
    return held
