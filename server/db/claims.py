"""Claims of long work: of several web processes one does it, and when that one was killed another does it later.

A transaction of its own cannot hold the work, which takes minutes; a row with an instant can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

_CLAIM = """
insert into work_claim (kind, subject, until) values ($1, $2, $3)
on conflict (kind, subject) do update set until = excluded.until where work_claim.until <= $4
returning kind
"""
_GIVE_BACK = "delete from work_claim where kind = $1 and subject = $2"


async def claim(conn: Connection, kind: str, subject: str, until: datetime, now: datetime) -> bool:
    """Whether the work is ours until then; False: another process has it. Commit before the work begins.

    kind     which work, [a-z_]{1,40}
    subject  of what, the text of a UUID
    """
    return await conn.fetchval(_CLAIM, kind, subject, until, now) is not None


async def give_back(conn: Connection, kind: str, subject: str) -> None:
    """The work is done, or is to be tried again by whoever comes first."""
    await conn.execute(_GIVE_BACK, kind, subject)
