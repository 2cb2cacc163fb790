"""The pages around a session. They are shells: what they show comes from the API and the room protocol, which check who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.access.core import Action
from server.pages import Page, page

if TYPE_CHECKING:
    from aiohttp import web

    from server.api import Call


async def room_page(call: Call[None]) -> web.StreamResponse:
    """The room, for somebody of the staff with a seat in it."""
    return page(call, "room.html")


async def join_page(call: Call[None]) -> web.StreamResponse:
    """The room, for the holder of a personal link; the token stays in the page, it is spent only by the room protocol."""
    return page(call, "join.html")


async def sessions_page(call: Call[None]) -> web.StreamResponse:
    """What one has led so far."""
    return page(call, "sessions.html")


async def review_page(call: Call[None]) -> web.StreamResponse:
    """One past session with its recording."""
    return page(call, "review.html")


PAGES = [
    Page("/room/{session}", room_page, Action.SEE_DESK),
    Page("/join/{token}", join_page, Action.SEE_PUBLIC),
    Page("/sessions", sessions_page, Action.SEE_SESSION),
    Page("/sessions/{session}", review_page, Action.SEE_RECORDINGS),
]
