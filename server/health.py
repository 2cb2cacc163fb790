"""Is it alive, is it ready, how is it doing: /healthz, /readyz and /metrics.

`/healthz` answers as long as this process does. `/readyz` asks what it needs: the database, and whatever other parts add to READINESS. `/metrics` is
Prometheus text without any label that names a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.db.pool import DatabaseAway, connection
from server.keys import POOL

if TYPE_CHECKING:
    RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

READY_TIMEOUT_S = 2.0

Check = Callable[[web.Application], Awaitable[str | None]]
READINESS: web.AppKey[dict[str, Check]] = web.AppKey("readiness", dict)


class Metrics:
    """The counters of one web process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "laizuo_http_requests_total", "Answers by route and status", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram("laizuo_http_seconds", "Time to answer by route", ["route"], registry=self.registry)
        self.connections = Gauge("laizuo_database_connections", "Open database connections", registry=self.registry)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)


def add(app: web.Application) -> None:
    """Plug in; the measuring middleware is the outermost, so it sees the final status."""
    app[METRICS] = Metrics()
    checks: dict[str, Check] = {"database": _database}
    app[READINESS] = checks
    app.middlewares.insert(0, _measure)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _ready)
    app.router.add_get("/metrics", _metrics)


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _ready(request: web.Request) -> web.Response:
    """200 when everything answers, else 503; each check says in words what is missing, or null."""
    checks = request.app[READINESS]
    found = dict(
        zip(checks, await asyncio.gather(*(_bounded(check, request.app) for check in checks.values())), strict=True)
    )
    ready = not any(found.values())
    return web.json_response({"ready": ready, "checks": found}, status=200 if ready else 503)


async def _bounded(check: Check, app: web.Application) -> str | None:
    try:
        return await asyncio.wait_for(check(app), READY_TIMEOUT_S)
    except TimeoutError:
        return "no answer in time"


async def _database(app: web.Application) -> str | None:
    try:
        async with connection(app[POOL], patience_s=READY_TIMEOUT_S / 2) as conn:
            await conn.fetchval("select 1")
    except DatabaseAway:
        return "database is away"
    return None


async def _metrics(request: web.Request) -> web.Response:
    metrics = request.app[METRICS]
    metrics.connections.set(request.app[POOL].get_size())
    return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def _measure(request: web.Request, handler: RequestHandler) -> web.StreamResponse:
    """Count by route pattern, never by path: a path may hold a token."""
    started = asyncio.get_running_loop().time()
    response = await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    metrics = request.app[METRICS]
    metrics.requests.labels(route, str(response.status)).inc()
    metrics.seconds.labels(route).observe(asyncio.get_running_loop().time() - started)
    return response
