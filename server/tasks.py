"""Tasks that go on beside the requests, and that really end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

ASK_AGAIN_S = 0.5


@contextlib.asynccontextmanager
async def running(name: str, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` as a task of this name inside the `async with`."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await end(task)
        if not task.cancelled():
            task.result()


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks and return when all have ended, however they ended.

    One cancellation can be lost: the driver may answer it with an error of its own, and Python 3.11's `wait_for` drops it
    when its own wait ends in the same moment (cpython issue 86296). So whoever still runs is asked again.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=ASK_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
