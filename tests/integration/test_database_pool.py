"""The pool and its transactions against a real PostgreSQL, including one that goes away."""

from __future__ import annotations

from server.db import Pool


async def test_template_is_migrated(db: Pool) -> None:
    assert await db.fetchval("SELECT count(*) FROM schema_migrations") > 0
