"""Asks the planner in a process of its own, with a time limit and its progress. Without the solver's answer in time the greedy one counts."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from schedules.core.balance.problem import REPLAN, Problem, narrowed
from schedules.solve.answer import Answer, Effort, Progress, Question, Said, by_greedy, is_least_change

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[Progress], None]

OUT_OF_TIME = 3
START_S = 15.0
"""On top of the patience for solving: Python and OR-Tools take over a second to start, several on a busy machine."""
AT_ONCE = 60
"""Duties that the greedy planner fills in some milliseconds: less than a process takes to start."""
LONGEST_LINE = 64 * 2**20

log = logging.getLogger("laizuo.solve")


def is_installed() -> bool:
    """Whether the extra `roster` is there."""
    return importlib.util.find_spec("ortools") is not None


async def solve(question: Question, tell: Tell | None = None) -> Answer:
    """The best answer to be had: the solver's where it is installed and could be better than the greedy one.

    After a leave the greedy answer comes first, and mostly nothing can change less: then no solver is asked, and for a few duties no process
    is started at all. Whoever cancels this ends the process.

    tell    hears how many groups of people are done
    """
    if question.aims.keep and len(question.problem.duties) <= AT_ONCE:
        quick = by_greedy(question, "not_needed")
        if is_least_change(question, quick):
            return quick
    heard = _Heard()
    note = await _hear(question, heard, tell)
    if heard.answer is None:
        return await asyncio.to_thread(by_greedy, question, note)
    return replace(heard.answer, note=note or heard.answer.note)


@dataclass(slots=True)
class _Heard:
    """The latest answer: first the greedy one, then the solver's."""

    answer: Answer | None = None


async def _hear(question: Question, heard: _Heard, tell: Tell | None) -> str:
    """Listen to a process until it ends or its time is over; '' or why the latest answer is not the solver's."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schedules.solve", stdin=pipe, stdout=pipe, stderr=pipe, limit=LONGEST_LINE
    )
    try:
        async with asyncio.timeout(question.effort.patience_s + START_S):
            _, _, said = await asyncio.gather(
                _ask(process, question), _listen(process, heard, tell), _rest(process.stderr)
            )
            code = await process.wait()
    except TimeoutError:
        return "out_of_time"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code not in (0, OUT_OF_TIME):
        log.warning("the solver failed: %s", said.decode(errors="replace")[-400:])
    return {0: "", OUT_OF_TIME: "out_of_time"}.get(code, "failed")


async def _ask(process: asyncio.subprocess.Process, question: Question) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # it died before it had read all: its exit code tells
        process.stdin.write(msgspec.json.encode(question))
        await process.stdin.drain()
        process.stdin.close()


async def _listen(process: asyncio.subprocess.Process, heard: _Heard, tell: Tell | None) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        said = msgspec.json.decode(line, type=Said)
        if said.answer is not None:
            heard.answer = said.answer
        if said.progress is not None and tell is not None:
            tell(said.progress)


async def _rest(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


def question_after_change(problem: Problem, effort: Effort) -> Question:
    """What to ask when some published entries cannot serve any more: only about the days around them."""
    return Question(narrowed(problem), REPLAN, effort)
