"""The audit trail: written in the transaction of the act itself, append-only by a trigger of the database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection

_INSERT = """
insert into audit_entry (at, actor_kind, actor_id, action, object_kind, object_id, detail)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def append(
    conn: Connection,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: str | None,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one entry. `detail` holds identifiers and numbers, never names or document numbers."""
    await conn.execute(_INSERT, now, actor.kind, actor.id, action, object_kind, object_id, json.dumps(detail or {}))
