"""Asks the solver in a process of its own, with a time limit. Without an answer in time the greedy planner answers."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys

import msgspec

from schedules.core.balance.problem import REPLAN, Problem, narrowed
from schedules.solve.answer import Answer, Effort, Question, by_greedy, is_least_change

OUT_OF_TIME = 3
START_S = 15.0
"""On top of the patience for solving: Python and OR-Tools take over a second to start, several on a busy machine."""

log = logging.getLogger("laizuo.solve")


def is_installed() -> bool:
    """Whether the extra `roster` is there."""
    return importlib.util.find_spec("ortools") is not None


async def solve(question: Question) -> Answer:
    """The best answer to be had: the solver's where it is installed and could be better than the greedy one.

    After a leave the greedy answer comes first, and mostly nothing can change less: then no process is started at all.
    """
    if question.aims.keep:
        quick = await asyncio.to_thread(by_greedy, question, "not_needed")
        if is_least_change(question, quick):
            return quick
    raw = msgspec.json.encode(question)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schedules.solve", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(question.effort.patience_s + START_S):
            out, err = await process.communicate(raw)
    except TimeoutError:
        return await asyncio.to_thread(by_greedy, question, "out_of_time")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        if process.returncode != OUT_OF_TIME:
            log.warning("the solver failed: %s", err.decode(errors="replace")[-400:])
        note = "out_of_time" if process.returncode == OUT_OF_TIME else "failed"
        return await asyncio.to_thread(by_greedy, question, note)
    return msgspec.json.decode(out, type=Answer)


def question_after_change(problem: Problem, effort: Effort) -> Question:
    """What to ask when some published entries cannot serve any more: only about the days around them."""
    return Question(narrowed(problem), REPLAN, effort)
