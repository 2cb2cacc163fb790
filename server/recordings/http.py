"""Films and packs over HTTP: ranges out of sealed files, never cached, every view in the audit trail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from media.record.sealed import CHUNK_BYTES, SealedDamaged, SealedFile
from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.errors import NotFound
from server.evidence.service import authority_of
from server.keys import CLOCK, SETTINGS
from server.recordings import core
from server.recordings.jobs import FilmJobs
from server.recordings.service import Recordings, Watched
from server.sessions.recording import SESSION_KEY, SHOW_RECORDING
from server.tasks import running

log = logging.getLogger("laizuo.recordings")

RECORDINGS: web.AppKey[Recordings] = web.AppKey("recordings", Recordings)
# Read and decrypted in a thread at once; a slow reader holds this much and no more.
PIECE_BYTES = 16 * CHUNK_BYTES


async def watch_film(call: Call[None]) -> web.StreamResponse:
    """One film, or the part of it that the Range header names."""
    async with call.connection() as conn, conn.transaction():
        watched = await call.app[RECORDINGS].watch(conn, call.actor, call.path("session"), call.path("film"), call.now)
    return await _send(call.request, watched, {})


async def download_pack(call: Call[None]) -> web.StreamResponse:
    """The evidence pack as a file."""
    session_id = call.path("session")
    async with call.connection() as conn, conn.transaction():
        watched = await call.app[RECORDINGS].take_pack(conn, call.actor, session_id, call.now)
    name = f"laizuo-{call.now:%Y%m%d}-{session_id[:8]}.zip"
    return await _send(call.request, watched, {"Content-Disposition": f'attachment; filename="{name}"'})


async def _send(request: web.Request, watched: Watched, headers: dict[str, str]) -> web.StreamResponse:
    try:
        sealed = await asyncio.to_thread(SealedFile, watched.path, watched.key)
    except (FileNotFoundError, SealedDamaged) as error:
        raise NotFound("recording_damaged") from error
    with sealed:
        headers |= {"Accept-Ranges": "bytes", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        try:
            part = core.part_of(request.headers.get("Range"), sealed.length)
        except core.RangeRefused as refused:
            return web.Response(status=416, headers={**headers, "Content-Range": str(refused)})
        return await _stream(request, sealed, part, headers)


async def _stream(
    request: web.Request, sealed: SealedFile, part: core.Part | None, headers: dict[str, str]
) -> web.StreamResponse:
    whole = part or core.Part(0, sealed.length)
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    response.content_type = sealed.content_type
    response.content_length = whole.end - whole.start
    if part:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{sealed.length}"
    await response.prepare(request)
    try:
        await _pieces(response, sealed, whole)
    except ConnectionError:
        pass  # a player that jumps drops the answer it no longer wants
    except SealedDamaged as damage:
        # The status is out already; an answer that ends too early is the only honest one left.
        log.error("a film is damaged: %s", damage)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pieces(response: web.StreamResponse, sealed: SealedFile, part: core.Part) -> None:
    at = part.start
    while at < part.end:
        piece = await asyncio.to_thread(sealed.read, at, min(PIECE_BYTES, part.end - at))
        await response.write(piece)
        at += len(piece)
    await response.write_eof()


OPERATIONS = [
    Operation(
        "GET",
        "/api/sessions/{session}/films/{film}",
        watch_film,
        Action.SEE_RECORDINGS,
        "Watch a film of a session",
        media_type="video/mp4",
    ),
    Operation(
        "GET",
        "/api/sessions/{session}/pack",
        download_pack,
        Action.SEE_RECORDINGS,
        "Download the evidence pack",
        media_type="application/zip",
    ),
]


def add(app: web.Application) -> None:
    """Plug in: the keys, what others ask of us, the operations, and the loop that makes films."""
    settings = app[SETTINGS]
    recordings = Recordings(settings.data, settings.key_file)
    app[RECORDINGS] = recordings
    app[SESSION_KEY] = recordings.session_key
    app[SHOW_RECORDING] = recordings.show
    add_operations(app, OPERATIONS)
    app.cleanup_ctx.append(_make_films)


async def _make_films(app: web.Application) -> AsyncIterator[None]:
    await asyncio.to_thread(app[RECORDINGS].load_keys)
    app[RECORDINGS].open_authority(await asyncio.to_thread(authority_of, app[SETTINGS], app[CLOCK]))
    async with running("film jobs", FilmJobs(app, app[RECORDINGS]).run()):
        yield
