"""What goes to the solver's process and what comes back: JSON, one object each way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schedules.core.balance import greedy
from schedules.core.balance.problem import Aims, Problem, Score, Seats, floor, score
from schedules.core.plan import Proposal

SEED = 1


class OutOfTime(Exception):
    """The wall clock ended a search before its deterministic limit: the answer would be another one elsewhere."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try. The deterministic limit ends the search at the same point on every machine; the wall clock is only a guard.

    deterministic_s  per group of people, in CP-SAT's own measure of work.
    patience_s       of the caller, for everything.
    good_enough      a group whose greedy answer costs at most this above the floor is not solved again: half an hour between the most
                     and the least burdened of a year is less than anybody's one shift.
    """

    seed: int = SEED
    deterministic_s: float = 3.0
    patience_s: float = 60.0
    good_enough: int = 30


@dataclass(frozen=True, slots=True)
class Question:
    """One problem for the solver."""

    problem: Problem
    aims: Aims
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, slots=True)
class Answer:
    """Seats, how good they are, and what the solver proved.

    bound      no answer costs less than this.
    is_best    nothing is better: the cost is the bound.
    note       why the solver was not asked or did not answer: `not_installed`, `not_needed`, `out_of_time`, `failed`.
    """

    planner: str
    seed: int
    seats: Seats
    score: Score
    cost: int
    bound: int = 0
    is_best: bool = False
    note: str = ""

    def proposal(self) -> Proposal:
        return Proposal(self.planner, self.seed, self.seats)

    def facts(self) -> Mapping[str, object]:
        """What is kept beside a proposal."""
        return {"score": self.score, "cost": self.cost, "bound": self.bound, "is_best": self.is_best, "note": self.note}


@dataclass(frozen=True, slots=True)
class Progress:
    """Groups of people that are done, of all."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the planner's process: progress or an answer. A later answer replaces an earlier one."""

    answer: Answer | None = None
    progress: Progress | None = None


def by_greedy(question: Question, note: str) -> Answer:
    """The answer of the core alone."""
    seats = greedy.balance(question.problem, question.aims)
    found = score(question.problem, seats)
    cost, low = found.cost(question.aims), floor(question.problem, question.aims)
    return Answer(greedy.PLANNER, question.effort.seed, seats, found, cost, low, cost == low, note)


def is_least_change(question: Question, answer: Answer) -> bool:
    """Nothing is empty and nothing changed beyond what no answer can avoid; only evenness could be better."""
    return answer.cost - answer.score.spread == floor(question.problem, question.aims)
