"""A line for TCP: a proxy in a thread that holds what passes as a network would. For pages and their sockets; media goes over relay.py.

What costs round trips on a real line costs them here too: opening a connection, a window that begins with ten segments and grows with
what was confirmed, a lost segment that everything behind it waits for. The bytes themselves never get lost: this is TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import deque
from types import TracebackType
from typing import Final

from server.bench.netline.shape import Direction, Line

SEGMENT: Final = 1448
FIRST_WINDOW: Final = 10  # segments (RFC 6928)
SYN_AGAIN_S: Final = 1.0  # RFC 6298, section 2.1
AGAIN_RTT: Final = 2.0  # a lost segment is there so many round trips later (RACK and TLP probe after two, RFC 8985)


class Wire:
    """`address` is where the pages go instead of to the product. Use as a context manager."""

    def __init__(self, line: Line, product: tuple[str, int], seed: int = 1) -> None:
        self._line = line
        self._product = product
        self._dice = random.Random(seed)
        self._rtt_s = line.up.delay_s + line.down.delay_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ("", 0)

    def __enter__(self) -> Wire:
        self._thread.start()
        self.address = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> tuple[str, int]:
        self._server = await asyncio.start_server(self._connected, self._product[0], 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(page, to_page)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            to_page.close()

    async def _carry(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        lost = [self._dice.random() < way.loss for way in (self._line.up, self._line.down)]
        await asyncio.sleep(self._rtt_s + SYN_AGAIN_S * any(lost))  # SYN and SYN-ACK
        product, to_product = await asyncio.open_connection(*self._product)
        try:
            up = _Way(self._line.up, self._rtt_s, self._dice)
            down = _Way(self._line.down, self._rtt_s, self._dice)
            async with asyncio.TaskGroup() as both:
                both.create_task(up.carry(page, to_product))
                both.create_task(down.carry(product, to_page))
        except* OSError:
            pass  # either side went: so does the other
        finally:
            to_product.close()


class _Way:
    """One direction of a connection."""

    def __init__(self, way: Direction, rtt_s: float, dice: random.Random) -> None:
        self._way, self._rtt_s, self._dice = way, rtt_s, dice
        self._window = FIRST_WINDOW
        self._confirmed_at: deque[float] = deque()
        self._there_at = 0.0
        self._under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bringing = asyncio.create_task(self._bring(writer))
        try:
            while data := await reader.read(SEGMENT):
                now = await self._may_send()
                again_s = AGAIN_RTT * self._rtt_s if self._dice.random() < self._way.loss else 0.0
                self._there_at = max(self._there_at, now + self._way.delay_s + again_s)
                self._confirmed_at.append(self._there_at + self._rtt_s - self._way.delay_s)
                self._under_way.put_nowait((self._there_at, data))
            self._under_way.put_nowait((asyncio.get_running_loop().time() + self._way.delay_s, b""))
            await bringing
        finally:
            bringing.cancel()

    async def _may_send(self) -> float:
        """When the window has room; each confirmation makes it larger by one (slow start)."""
        loop = asyncio.get_running_loop()
        while len(self._confirmed_at) >= self._window:
            await asyncio.sleep(max(0.0, self._confirmed_at[0] - loop.time()))
            self._confirm(loop.time())
        self._confirm(loop.time())
        return loop.time()

    def _confirm(self, now: float) -> None:
        while self._confirmed_at and self._confirmed_at[0] <= now:
            self._confirmed_at.popleft()
            self._window += 1

    async def _bring(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            at, data = await self._under_way.get()
            await asyncio.sleep(max(0.0, at - loop.time()))
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
