"""The room protocol (PROTOCOL.md): messages, the sans-IO session, and the shell that gives it sockets, a database and a media worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def add(app: web.Application) -> None:
    """Plug in the rooms and their WebSocket; they start after the database and stop before it."""
    from server.signaling.line_check import add_line_check  # noqa: PLC0415
    from server.signaling.rooms import run_rooms  # noqa: PLC0415  # the sans-IO part is imported without aiohttp
    from server.signaling.whip.http import add_whip  # noqa: PLC0415
    from server.signaling.ws import add_socket  # noqa: PLC0415

    app.cleanup_ctx.append(run_rooms)
    add_socket(app)
    add_line_check(app)
    add_whip(app)
