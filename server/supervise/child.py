"""One child: started, watched, started again, stopped. Decides nothing itself (core.py)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from server.supervise import core
from server.supervise.home import Home
from server.supervise.process import Command, describe_end, ended, start
from server.supervise.relay import TAIL_LINES, Lines, Relay, say

READY_LINE = "ready"
READY_POLL_S = 0.01


class CannotStart(Exception):
    """Preparing the child's start failed for a reason that the operator has to mend."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a child is.

    prepare      makes the command; may do work, may raise CannotStart
    given        what it gets on standard input once that is known; None: nothing
    is_ready     asked by process number; None: it prints a line `ready` on standard output
    stop_signal  asks it to stop in an orderly way
    """

    name: str
    stage: core.Stage
    prepare: Callable[[], Awaitable[Command]]
    given: Callable[[], Awaitable[bytes]] | None = None
    is_ready: Callable[[int], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    impatient_signal: signal.Signals = signal.SIGKILL
    policy: core.Policy = field(default_factory=core.Policy)


class Child:
    """Keeps one process running until told to stop.

    give_up  called with a sentence when starting it again cannot help
    """

    def __init__(self, plan: Plan, home: Home, console: Lines, give_up: Callable[[str], None]) -> None:
        self.plan = plan
        self.ready = asyncio.Event()
        self._home = home
        self._console = console
        self._give_up = give_up
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._process: subprocess.Popen[bytes] | None = None
        self._said_ready = asyncio.Event()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)

    async def keep(self) -> None:
        """Run it, again and again, until `stop`."""
        record = core.Record()
        while not self._stopping.is_set():
            code, ready_at = await self._run_once()
            if self._stopping.is_set():
                return
            record, decision = core.after_end(record, code, ready_at, self.plan.policy, time.monotonic())
            if isinstance(decision, core.GiveUp):
                self._give_up(f"{self.plan.name} cannot start; see above")
                return
            self._report(code, record, decision)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), decision.wait_s)

    async def stop(self, patience: Callable[[], float], hurry: asyncio.Event) -> None:
        """Ask it to stop, and make it stop when that takes too long. Returns when it has ended.

        patience  seconds it may take; asked again when `hurry` gets set
        """
        self._stopping.set()
        asked_at = time.monotonic()
        self._send(self.plan.stop_signal)
        while not self._gone.is_set():
            left = asked_at + patience() - time.monotonic()
            if left <= 0:
                self._send(self.plan.impatient_signal)
                await self._gone.wait()
                return
            await _first_of(left, self._gone, *([] if hurry.is_set() else [hurry]))

    async def _run_once(self) -> tuple[int, float | None]:
        """One run from preparation to end: its code, and when it became ready."""
        try:
            command = await self.plan.prepare()
            if self._stopping.is_set():
                return 0, None
            process = start(command)
        except CannotStart as error:
            self._say(str(error))
            return core.EX_CONFIG, None
        except OSError as error:
            self._say(f"{self.plan.name} cannot be started: {error}")
            return 1, None
        self._enter(process)
        relays = [
            Relay(self.plan.name, pipe, self._console, self._tail, self._take_ready)
            for pipe in (process.stdout, process.stderr)
            if pipe
        ]
        try:
            return await self._follow(process)
        finally:
            for relay in relays:
                relay.close()
            self._leave(process)

    async def _follow(self, process: subprocess.Popen[bytes]) -> tuple[int, float | None]:
        ending = asyncio.create_task(ended(process))
        becoming = asyncio.create_task(self._become_ready(process))
        try:
            await asyncio.wait((ending, becoming), return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return ending.result(), None
            if not becoming.result():
                self._say(
                    f"{self.plan.name} was not ready after {self.plan.policy.start_timeout_s:.0f} s; ending it",
                )
                _send(process, signal.SIGKILL)
                return await ending, None
            ready_at = time.monotonic()
            self.ready.set()
            return await ending, ready_at
        finally:
            becoming.cancel()
            ending.cancel()

    async def _become_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """True once it is ready, False when that took too long."""
        if self.plan.given and process.stdin:
            data = await self.plan.given()
            with contextlib.suppress(BrokenPipeError):  # it has ended already, which is noticed elsewhere
                process.stdin.write(data)
                process.stdin.close()
        try:
            async with asyncio.timeout(self.plan.policy.start_timeout_s):
                while not self._is_ready(process.pid):
                    await _first_of(READY_POLL_S if self.plan.is_ready else None, self._said_ready)
        except TimeoutError:
            return False
        return True

    def _is_ready(self, pid: int) -> bool:
        return self.plan.is_ready(pid) if self.plan.is_ready else self._said_ready.is_set()

    def _take_ready(self, line: str) -> bool:
        if line != READY_LINE or self._said_ready.is_set():
            return False
        self._said_ready.set()
        return True

    def _enter(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._gone.clear()
        self._said_ready.clear()
        self._tail.clear()
        self._home.write_pid(self.plan.name, process.pid)

    def _leave(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        self.ready.clear()
        self._home.forget_pid(self.plan.name)
        if process.stdin and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        self._gone.set()

    def _say(self, sentence: str) -> None:
        say(self._console, "laizuo", sentence)

    def _send(self, number: signal.Signals) -> None:
        if self._process:
            _send(self._process, number)

    def _report(self, code: int, record: core.Record, decision: core.Again) -> None:
        wait = f"in {decision.wait_s:g} s" if decision.wait_s else "at once"
        self._say(f"{self.plan.name} {describe_end(code)}; starting it again {wait}")
        if decision.loud:
            tail = "\n".join(f"    {line}" for line in self._tail)
            self._say(
                f"ATTENTION: {self.plan.name} has ended {record.ends} times in a row. The last it wrote:\n{tail or '    (nothing)'}",
            )


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


async def _first_of(seconds: float | None, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, at most so long."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
