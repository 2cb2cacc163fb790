"""`python -m schedules.solve`: a Question as JSON on standard input, an Answer as JSON on standard output.

Also without OR-Tools: then the greedy planner answers here, because a year of a city is seconds of work that no web process should do.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

import msgspec

from schedules.solve.answer import Answer, OutOfTime, Question, by_greedy

OUT_OF_TIME = 3


def main() -> int:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        found = _answer(question)
    except OutOfTime:
        return OUT_OF_TIME
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


def _answer(question: Question) -> Answer:
    if importlib.util.find_spec("ortools") is None:
        return by_greedy(question, "not_installed")
    # only now: importing OR-Tools takes over a second, and it may not be there
    found: Answer = importlib.import_module("schedules.solve.cp_sat").answer(question)
    return found


if __name__ == "__main__":
    sys.exit(main())
