"""Typed keys of what the application carries. Made once in server/app.py, read everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
from aiohttp import web

from server.config import Settings

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
POOL: web.AppKey[asyncpg.Pool[asyncpg.Record]] = web.AppKey("pool", asyncpg.Pool)
CLOCK: web.AppKey[Callable[[], datetime]] = web.AppKey("clock", Callable)  # type: ignore[arg-type]  # aware UTC; AppKey wants a class
TEMPLATES: web.AppKey[Any] = web.AppKey("templates", object)
