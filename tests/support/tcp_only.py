"""A way into the media worker that carries TCP and nothing else: browsers are told its address; what they send there by UDP is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

TOLD = "127.0.0.2"  # another address of loopback: the worker is bound to 127.0.0.1


def free_port() -> int:
    """A port that neither UDP of the worker's address nor TCP of either is using."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as told, socket.socket(socket.AF_INET) as worker:
            told.bind((TOLD, 0))
            port = int(told.getsockname()[1])
            with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                worker.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port


@asynccontextmanager
async def tcp_only(port: int) -> AsyncIterator[list[int]]:
    """Carry TOLD:port to 127.0.0.1:port until the block ends; gives the bytes of each finished or running connection."""
    carried: list[int] = []
    open_now: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                carried[number] += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        there = await asyncio.open_connection("127.0.0.1", port)
        carried.append(0)
        number = len(carried) - 1
        try:
            await asyncio.gather(pump(reader, there[1], number), pump(there[0], writer, number))
        finally:
            open_now.discard(task)

    server = await asyncio.start_server(serve, TOLD, port)
    try:
        yield carried
    finally:
        server.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
