"""Plugs the line into the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.access.rates import Rate
from server.api import add_operations
from server.pages import add_pages
from server.waiting import desk_http, kiosk_http

if TYPE_CHECKING:
    from aiohttp import web


def add(app: web.Application) -> None:
    """Plug in."""
    # A kiosk in a busy morning takes a ticket every minute; a stuck finger must not fill the line.
    app[kiosk_http.TICKET_RATE] = Rate(burst=6, every_s=10.0)
    add_operations(app, kiosk_http.OPERATIONS + desk_http.OPERATIONS)
    add_pages(app, kiosk_http.PAGES + desk_http.PAGES)
