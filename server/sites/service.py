"""Making sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from server import audit
from server.errors import BadInput, Conflict
from server.sites import store
from server.waiting.core import LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection


async def add_site(
    conn: Connection, by: Actor, parent_id: str | None, new: store.NewSite, services: Iterable[str], now: datetime
) -> str:
    """A new site, with a waiting area for each service it offers. Raises BadInput, Conflict('slug_taken')."""
    async with conn.transaction():
        try:
            site_id = await store.insert_site(conn, parent_id, new)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("slug_taken", field="slug") from error
        except asyncpg.CheckViolationError as error:
            raise BadInput("bad_site", detail=str(error.constraint_name)) from error
        for service in services:
            await store.insert_area(conn, site_id, service, LETTERS[service])
        await audit.append(conn, by, "add_site", "site", site_id, now, {"slug": new.slug})
    return site_id
