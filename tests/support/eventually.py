"""Waiting in tests: for a function that says why it is not yet true."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

POLL_S = 0.02
PATIENCE_S = 30.0  # it is only reached by what fails: a slow machine is given its time

Reason = Callable[[], str | None]
SlowReason = Callable[[], Awaitable[str | None]]


class NotYet(AssertionError):
    """It did not become true in time; the text is the last reason."""


async def eventually(reason: Reason | SlowReason, timeout_s: float = PATIENCE_S) -> None:
    """Wait until `reason()` (or what it awaits) is None.

    reason  says why it is not yet true; an AssertionError that it raises counts as a reason too
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = _ask(reason)
        why = await answer if inspect.isawaitable(answer) else answer
        if why is None:
            return
        if time.monotonic() > deadline:
            raise NotYet(f"after {timeout_s:g} s still: {why}")
        await asyncio.sleep(POLL_S)


def wait_until(reason: Reason, timeout_s: float = PATIENCE_S) -> None:
    """The same for tests without an event loop."""
    deadline = time.monotonic() + timeout_s
    while (why := _ask(reason)) is not None:
        if time.monotonic() > deadline:
            raise NotYet(f"after {timeout_s:g} s still: {why}")
        time.sleep(POLL_S)


def _ask(reason: Reason | SlowReason) -> str | Awaitable[str | None] | None:
    try:
        return reason()
    except AssertionError as error:
        return str(error) or repr(error)
