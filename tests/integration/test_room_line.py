"""The writer of one line: a page that does not read is dropped, whatever is said to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.signaling.line import QUEUE, Line
from server.signaling.messages import Closed, Error
from server.signaling.room.effects import LineId
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pytest_aiohttp.plugin import AiohttpClient

LARGE = Error(code="unexpected", field="x" * 60_000)


async def open_line(aiohttp_client: AiohttpClient) -> tuple[Line, Any]:
    """A line of ours and the page's end of it."""
    lines: asyncio.Queue[Line] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        line = Line(LineId(1), socket, request.transport.abort)
        lines.put_nowait(line)
        writing = asyncio.create_task(line.run())
        async for _ in socket:
            pass
        await asyncio.wait([writing])
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    page = await client.ws_connect("/", max_msg_size=0)
    return await lines.get(), page


async def test_a_page_that_does_not_read_is_dropped(aiohttp_client: AiohttpClient) -> None:
    line, page = await open_line(aiohttp_client)
    page._response.connection.transport.pause_reading()

    for _ in range(20 * QUEUE):
        line.say(LARGE)
        await asyncio.sleep(0)
        if line.is_dead:
            break

    await eventually(lambda: None if line.is_dead else "the line lives on")
    line.say(LARGE)  # and after that it costs nothing any more
    page._response.close()


async def test_a_queue_that_is_full_at_once_is_the_end(aiohttp_client: AiohttpClient) -> None:
    line, page = await open_line(aiohttp_client)

    for _ in range(QUEUE + 2):
        line.say(LARGE)

    assert line.is_dead
    await page.close()


async def test_the_last_words_are_heard_before_the_end(aiohttp_client: AiohttpClient) -> None:
    line, page = await open_line(aiohttp_client)

    line.say(Closed(why="ended"))
    line.hang(1001)
    line.hang(1008)

    assert await page.receive_json() == {"type": "closed", "why": "ended"}
    assert (await page.receive()).data == 1001
