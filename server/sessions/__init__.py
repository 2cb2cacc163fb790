"""Sessions, their rooms and seats: who may sit in which room, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def add(app: web.Application) -> None:
    """Plug in the operations and the pages."""
    from server.api import add_operations  # noqa: PLC0415  # the pure part is imported by everybody
    from server.pages import add_pages  # noqa: PLC0415
    from server.sessions.http import OPERATIONS  # noqa: PLC0415
    from server.sessions.pages import PAGES  # noqa: PLC0415

    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
