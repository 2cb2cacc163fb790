"""`python -m schedules.solve`: a Question as JSON on standard input; on standard output lines of JSON, each a Said.

The greedy answer comes first, then the progress of the solver, then its answer: whoever listens has an answer at any time. Also without
OR-Tools: a year of a city is seconds of work that no web process should do.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import replace

import msgspec

from schedules.solve.answer import Answer, OutOfTime, Progress, Question, Said, by_greedy, is_least_change

OUT_OF_TIME = 3
NICER = 5  # the pages come first


def main() -> int:
    os.nice(NICER)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    is_there = importlib.util.find_spec("ortools") is not None
    quick = by_greedy(question, "" if is_there else "not_installed")
    if question.aims.keep and is_least_change(question, quick):
        _say(Said(answer=replace(quick, note="not_needed")))
        return 0
    _say(Said(answer=quick))
    try:
        if is_there:
            _say(Said(answer=_solved(question, quick)))
    except OutOfTime:
        return OUT_OF_TIME
    return 0


def _solved(question: Question, quick: Answer) -> Answer:
    # only now: importing OR-Tools takes over a second, and it may not be there
    found: Answer = importlib.import_module("schedules.solve.cp_sat").answer(question, quick.seats, _tell)
    return found


def _tell(done: int, of: int) -> None:
    _say(Said(progress=Progress(done, of)))


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
