"""Claims of long work: of several web processes one does it, and when that one was killed another does it a minute later.

A transaction of its own cannot hold the work, which takes minutes to hours; a row with an instant can. As long as the work goes on, its
claim is renewed (`hold`). Work is ended when its claim cannot be renewed in time, before another may begin it; who stood still for so long
that another has begun is told at the next renewal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from server.db.pool import CommitUnknown, DatabaseAway, in_transaction
from server.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from server.db import Connection, Pool

T = TypeVar("T")

LEASE = timedelta(seconds=60)
RENEW_S = 20.0  # one may fail

_CLAIM = """
insert into work_claim (kind, subject, until, holder) values ($1, $2, $3, $4)
on conflict (kind, subject) do update set until = excluded.until, holder = excluded.holder where work_claim.until <= $5
returning kind
"""
_RENEW = "update work_claim set until = $4 where kind = $1 and subject = $2 and holder = $3 returning kind"
_GIVE_BACK = "delete from work_claim where kind = $1 and subject = $2 and holder = $3 returning kind"

log = logging.getLogger("laizuo.claims")


class ClaimLost(Exception):
    """Another process has the work, or may take it any moment."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Work that is ours until its lease is over. holder: 16 hex digits, of this claim alone."""

    kind: str
    subject: str
    holder: str


async def claim(conn: Connection, kind: str, subject: str, now: datetime) -> Claim | None:
    """The work for LEASE, unless another process has it. Commit, then begin it inside `hold`.

    kind     which work, [a-z_]{1,40}
    subject  of what, the text of a UUID
    """
    ours = Claim(kind, subject, secrets.token_hex(8))
    taken = await conn.fetchval(_CLAIM, kind, subject, now + LEASE, ours.holder, now)
    return ours if taken is not None else None


async def renew(conn: Connection, ours: Claim, now: datetime) -> bool:
    """Whether it is still ours, now for another LEASE; False: another has it."""
    return await conn.fetchval(_RENEW, ours.kind, ours.subject, ours.holder, now + LEASE) is not None


async def give_back(conn: Connection, ours: Claim) -> bool:
    """The work is done, or is to be tried again by whoever comes first. False: another has it by now, and its word counts."""
    return await conn.fetchval(_GIVE_BACK, ours.kind, ours.subject, ours.holder) is not None


async def hold(pool: Pool, clock: Callable[[], datetime], ours: Claim, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; meanwhile its claim is renewed. Giving it back is the caller's, with what the work brought.

    Raises  ClaimLost, when the work has been ended; and whatever the work raises
    """
    name = f"{ours.kind} {ours.subject}"
    working = asyncio.create_task(work, name=name)
    keeping = asyncio.create_task(_keep(pool, clock, ours), name=f"claim of {name}")
    try:
        await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            keeping.result()
            raise ClaimLost(name)
        return working.result()
    finally:
        await end(working, keeping)


async def _keep(pool: Pool, clock: Callable[[], datetime], ours: Claim) -> None:
    """Returns when it is another's, or will be before it could be renewed again."""
    renewed_at = time.monotonic()
    while time.monotonic() - renewed_at + RENEW_S < LEASE.total_seconds():
        await asyncio.sleep(RENEW_S)
        with contextlib.suppress(DatabaseAway, CommitUnknown):
            asked_at = time.monotonic()
            if not await in_transaction(pool, lambda conn: renew(conn, ours, clock()), RENEW_S / 4):
                break
            renewed_at = asked_at
    log.warning("the claim of %s %s is lost, its work is ended", ours.kind, ours.subject)
