"""The composition root: the only place that knows every part of the web process.

The order of `cleanup_ctx` is the order of starting; stopping is its reverse.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

import asyncpg
from aiohttp import web

from server import errors, health, live, openapi, pages, sessions, signaling
from server.api import OPERATIONS
from server.bookings import http as bookings
from server.caldav import http as caldav
from server.db.pool import CommitUnknown, DatabaseAway
from server.demo import http as demo
from server.duty import pages as duty
from server.endpoints import http as endpoints
from server.events import pages as events
from server.evidence import http as evidence
from server.feeds import http as feeds
from server.feeds import pages as feed_pages
from server.hall_screen import http as hall_screen
from server.keys import CLOCK, SETTINGS, TEMPLATES
from server.lines import http as lines
from server.messages import worker as messages
from server.people import http as people
from server.posters import http as posters
from server.ratings import http as ratings
from server.recordings import captions
from server.recordings import care_http as care
from server.recordings import http as recordings
from server.sites import http as sites
from server.storage import http as storage
from server.tickets import http as tickets
from server.viewings import http as viewings
from server.waiting import http as waiting
from server.watch import http as watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.config import Settings

log = logging.getLogger("laizuo.app")

# What a dead or restarting database looks like from here: the caller is told to come again, nothing was acknowledged.
_DATABASE_AWAY = (
    DatabaseAway,
    CommitUnknown,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement's answer was cut in the middle
    ConnectionError,
    TimeoutError,
)


def utc_now() -> dt.datetime:
    """The wall clock, for the shells only."""
    return dt.datetime.now(dt.UTC)


def build_app(settings: Settings) -> web.Application:
    """Put the application together; nothing is opened before it starts."""
    app = web.Application(middlewares=[_answer_errors], client_max_size=1024 * 1024)
    app[SETTINGS] = settings
    app[CLOCK] = utc_now
    app[OPERATIONS] = []
    app[TEMPLATES] = pages.load_templates(pages.web_root())
    app.on_response_prepare.append(_secure)
    pages.add_web_files(app)
    for add in _parts():
        add(app)
    openapi.add(app)
    return app


def _parts() -> list[Callable[[web.Application], None]]:
    """Every part that plugs itself in: `add(app)` registers its operations, pages and cleanup contexts, in this order of starting."""
    return [
        *(
            live.add,
            health.add,
            people.add,
            endpoints.add,
            sites.add,
            waiting.add,
            tickets.add,
            bookings.add,
            lines.add,
            ratings.add,
            hall_screen.add,
            watch.add,
        ),
        *(
            recordings.add,
            care.add,
            captions.add,
            viewings.add,
            evidence.add,
            sessions.add,
            signaling.add,
            storage.add,
            duty.add,
            feeds.add,
            caldav.add,
            events.add,
            posters.add,
            feed_pages.add,
            messages.add,
            demo.add,
        ),
    ]


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in pages.SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")


@web.middleware
async def _answer_errors(request: web.Request, handler: errors.RequestHandler) -> web.StreamResponse:
    """The one place that maps errors to the wire: JSON for scripts, a page in plain words for people."""
    try:
        return await handler(request)
    except errors.UserError as error:
        return _error_answer(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _error_answer(request, errors.from_http(error))
    except _DATABASE_AWAY as error:
        log.warning("database away while answering %s: %s", request.match_info.route.resource, type(error).__name__)
        return _error_answer(request, errors.ServiceAway())
    except Exception as error:
        return _error_answer(request, errors.Unexpected(errors.log_unexpected(error)))


def _error_answer(request: web.Request, error: errors.UserError) -> web.Response:
    wants_page = (
        request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("Accept", "")
        and not request.path.startswith("/api/")
    )
    if not wants_page:
        return errors.to_response(error)
    if isinstance(error, errors.NotSignedIn):
        return web.Response(status=303, headers={"Location": f"/sign-in?next={request.path}"})
    return pages.render(request, "error.html", error.status, error=error)
