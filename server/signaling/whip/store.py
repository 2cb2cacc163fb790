"""Rows of devices' resources: what a web process needs to go on with one. The caller owns the transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.db.statements import load_statements
from server.signaling.whip.core import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Resource:
    """A device's resource as its newest offer left it. `token` and the key it is kept under are hashes, `offer` has no ICE password."""

    kind: Kind
    token: bytes
    seat: str
    session_id: str
    connection: int
    revision: int
    offer: str
    sources: Mapping[str, str]
    etag: str


async def keep(conn: Connection, key: bytes, one: Resource) -> None:
    """Write it, or what changed with an ICE restart."""
    who = (one.kind.value, one.token, one.seat, one.connection)
    await conn.execute(_SQL["keep"], key, *who, one.revision, one.offer, json.dumps(dict(one.sources)), one.etag)


async def forget(conn: Connection, key: bytes, connection: int) -> None:
    """It is over, unless another process has gone on with it."""
    await conn.execute(_SQL["forget"], key, connection)


async def claim(conn: Connection, key: bytes, now: datetime) -> Resource | None:
    """Take its seat's line, with a new number; None when nobody can go on with it."""
    row = await conn.fetchrow(_SQL["claim"], key, now)
    if row is None:
        return None
    return Resource(**(dict(row) | {"kind": Kind(row["kind"]), "sources": json.loads(row["sources"])}))


async def kept(conn: Connection, now: datetime) -> list[bytes]:
    """The keys of all that somebody can go on with; the others are forgotten."""
    await conn.execute(_SQL["forget_stale"], now)
    return [row["id"] for row in await conn.fetch(_SQL["kept"])]
