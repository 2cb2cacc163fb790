"""Tasks that go on beside the requests, and that really end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

ASK_AGAIN_S = 0.5


class running:  # reads as what it does: `async with running("outbox", work):`
    """Run `work` as a task of this name inside the `async with`.

    No generator: a cleanup context that never came to its end is closed together with all other generators of the loop, at once.
    """

    def __init__(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work, name=name)

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        await end(self._task)
        if not self._task.cancelled():
            self._task.result()


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
