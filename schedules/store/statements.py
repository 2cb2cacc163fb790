"""The named statements of queries.sql, events.sql and limits.sql, and the type of a connection."""

from __future__ import annotations

import re
from importlib import resources
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


def _load_statements(name: str) -> dict[str, str]:
    text = (resources.files("schedules.store") / name).read_text("utf-8")
    _, *parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


QUERIES = _load_statements("queries.sql")
EVENT_QUERIES = _load_statements("events.sql")
LIMIT_QUERIES = _load_statements("limits.sql")
