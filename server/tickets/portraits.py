"""A portrait taken at the kiosk (人像采集), by whoever agrees to it; seen by staff of the line, gone a day after the ticket's end.

Nobody has to: the line, the call and the act are the same without it.
"""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from aiohttp import web
from PIL import Image, UnidentifiedImageError

from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_own
from server.api import Call, Operation
from server.errors import BadInput, NotFound
from server.tickets import service, store
from server.waiting.desk_http import Done

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

KEPT_FOR = timedelta(days=1)  # after the ticket's end: time to write the record it belongs to
PICTURE_BYTES = 48 * 1024
LONGEST_SIDE = 480  # px: a face to compare with a card


class AgreedPortrait(msgspec.Struct, forbid_unknown_fields=True):
    """One picture, in base64. `agreed`: the sentence that was on the screen when they pressed; there is no portrait without it."""

    ticket: str
    picture: Annotated[bytes, msgspec.Meta(min_length=1, max_length=PICTURE_BYTES)]
    agreed: Literal["portrait-1"]


class WithdrawnPortrait(msgspec.Struct, forbid_unknown_fields=True):
    """Whose ticket it was."""

    ticket: str


def picture_only(raw: bytes) -> bytes:
    """The picture as a JPEG and nothing else. Raises BadInput('bad_picture')."""
    try:
        with Image.open(io.BytesIO(raw), formats=["JPEG"]) as sent:
            picture = sent.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise BadInput("bad_picture", field="picture") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=70)
    return out.getvalue()


async def keep(call: Call[AgreedPortrait]) -> Done:
    """Keep it with the ticket this device holds."""
    require_own(call.actor, Action.TAKE_TICKET, call.actor.id)
    ticket, device = as_uuid(call.body.ticket), as_uuid(str(call.actor.id))
    picture = await asyncio.to_thread(picture_only, call.body.picture)
    async with call.connection() as conn, conn.transaction():
        if await conn.fetchval(store.SQL["keep_portrait"], ticket, device, picture, call.now, call.body.agreed) is None:
            raise NotFound()
        await audit.append(
            conn, call.actor, "keep_portrait", "ticket", str(ticket), call.now, {"agreed": call.body.agreed}
        )
    return Done()


async def withdraw(call: Call[WithdrawnPortrait]) -> Done:
    """They changed their mind: it is gone at once."""
    require_own(call.actor, Action.TAKE_TICKET, call.actor.id)
    ticket, device = as_uuid(call.body.ticket), as_uuid(str(call.actor.id))
    async with call.connection() as conn, conn.transaction():
        if await conn.fetchval(store.SQL["drop_portrait"], ticket, device) is not None:
            await audit.append(conn, call.actor, "withdraw_portrait", "ticket", str(ticket), call.now)
    return Done()


async def show(call: Call[None]) -> web.StreamResponse:
    """For staff who handle this ticket; who looked stands in the audit trail."""
    async with call.connection() as conn:
        facts = await service.require_ticket(conn, call.actor, call.path("ticket"))
        picture = await conn.fetchval(store.SQL["portrait"], as_uuid(facts.id))
        if picture is None:
            raise NotFound()
        await audit.append(conn, call.actor, "see_portrait", "ticket", facts.id, call.now)
    return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def is_there(conn: Connection, ticket_id: str) -> bool:
    """Whether somebody let a portrait be taken."""
    found: bool = await conn.fetchval(store.SQL["has_portrait"], as_uuid(ticket_id))
    return found


async def forget(conn: Connection, now: datetime) -> None:
    """Those of tickets that ended more than a day ago."""
    await conn.execute(store.SQL["forget_portraits"], now - KEPT_FOR)


_AT = "/api/kiosk/{endpoint}/portrait"
OPERATIONS = [
    Operation("PUT", _AT, keep, Action.TAKE_TICKET, "A portrait, agreed to", body=AgreedPortrait, reply=Done),
    Operation("DELETE", _AT, withdraw, Action.TAKE_TICKET, "No portrait after all", body=WithdrawnPortrait, reply=Done),
    Operation(
        "GET", "/api/desk/tickets/{ticket}/portrait", show, Action.HANDLE_TICKET, "The portrait somebody agreed to",
        media_type="image/jpeg",
    ),
]  # fmt: skip
