"""`python -m server.bench.feedload`: an Order as JSON on standard input, what was Seen as JSON on standard output.

A process of its own, so that neither the publishing nor the arithmetic of the benchmark delays a read.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time

import msgspec
import uvloop

from server.bench.feedload.line import Line
from server.bench.feedload.order import Order, Seen


def main() -> int:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.freeze()
    gc.disable()  # some seconds of small objects; a collection would be a late read
    seen = uvloop.run(_closed(order) if order.rate == 0 else _open(order))
    sys.stdout.buffer.write(msgspec.json.encode(seen))
    return 0


async def _closed(order: Order) -> Seen:
    """Each connection asks again as soon as it is answered."""
    seen = Seen()
    end = time.monotonic() + order.length_s

    async def reader(line: Line) -> None:
        known = (await line.get()).tag if order.conditional else ""
        while time.monotonic() < end:
            asked = time.monotonic()
            seen.note(await line.get(known), asked, asked)
        line.close()

    started = time.monotonic()
    await asyncio.gather(*(reader(_line(order)) for _ in range(order.connections)))
    seen.took_s = time.monotonic() - started
    return seen


async def _open(order: Order) -> Seen:
    """`rate` reads a second on a clock of their own: a late answer delays no other read, and waiting for a free connection counts.

    A connection asks with the tag that it was told last, as a calendar program does; one of ten reads has none.
    """
    seen = Seen()
    free: asyncio.Queue[tuple[Line, str]] = asyncio.Queue()
    for _ in range(order.connections):
        line = _line(order)
        free.put_nowait((line, (await line.get()).tag))
    tasks: set[asyncio.Task[None]] = set()

    async def read(due: float, conditional: bool) -> None:
        line, known = await free.get()
        asked = time.monotonic()
        answer = await line.get(known if conditional else "")
        seen.note(answer, due, asked)
        free.put_nowait((line, answer.tag))

    started = time.monotonic()
    for number in range(int(order.rate * order.length_s)):
        due = started + number / order.rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        else:
            seen.late_ms = max(seen.late_ms, -wait * 1000)
        task = asyncio.create_task(read(due, number % 10 != 0))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    seen.took_s = time.monotonic() - started
    return seen


def _line(order: Order) -> Line:
    return Line(order.url, order.headers, checks=order.checks)


if __name__ == "__main__":
    sys.exit(main())
