"""A quick answer without a solver, in two steps. Also the solver's starting point.

1. In order of time every duty goes to the free entry that has borne least; a fixed turn counts like a few hours less.
   With `keep`, first everybody published stays who can.
2. Evening out, group by group: the most and the least burdened hand over a duty to, or change duties with, whoever makes the burdens
   most alike (least sum of squared distances from the mean), as long as that helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schedules.core.balance.problem import Aims, Desk, Duty, Entry, Problem, Seats, groups, loads
from schedules.core.model import PersonId, SlotKey

PLANNER = "greedy 2"

_ROUNDS = 120
"""Exchanges of step 2 per group: a year of a team of 20 needs a few dozen; more would not be quick any more."""

_EVEN_ENOUGH = 6
"""Minutes between the most and the least burdened at which step 2 ends: a thousandth of a year's load."""

_TRIES = 40
"""Ideas that are tried before a person is left alone: most fail by a clash in the diary, not by the thirtieth time."""


def balance(problem: Problem, aims: Aims) -> Seats:
    """Seats for as many duties as it finds somebody for."""
    work = _Work(problem, aims)
    if aims.keep:
        work.keep_published()
    for duty in problem.duties:
        if duty.key not in work.seats:
            work.fill(duty)
    if not aims.keep:
        for duties in groups(problem):
            work.even_out(duties)
    return dict(sorted(work.seats.items()))


class _Work:
    def __init__(self, problem: Problem, aims: Aims) -> None:
        self.seats: dict[SlotKey, Entry] = {}
        self._problem = problem
        self._aims = aims
        self._desk = Desk(problem)
        self._loads = loads(problem, {})

    def keep_published(self) -> None:
        for duty in self._problem.duties:
            if duty.now is not None and self._desk.can_serve(duty, duty.now):
                self._seat(duty, duty.now)

    def fill(self, duty: Duty) -> None:
        """The cheapest entry that can; nothing if none can."""
        for entry in sorted(duty.options, key=lambda entry: self._price(duty, entry)):
            if self._desk.can_serve(duty, entry):
                self._seat(duty, entry)
                return

    def _price(self, duty: Duty, entry: Entry) -> tuple[int, Entry]:
        """Their burden with this duty; a change and a broken turn cost what the aims say."""
        price = max(self._loads[who] + self._desk.weight(duty, who) for who in entry)
        price += self._aims.change if duty.now is not None and entry != duty.now else 0
        price += self._aims.off_turn if duty.turn is not None and entry != duty.turn else 0
        return price, entry

    def _seat(self, duty: Duty, entry: Entry) -> None:
        self.seats[duty.key] = entry
        self._desk.seat(duty, entry)
        for who in entry:
            self._loads[who] += self._desk.weight(duty, who)

    def _unseat(self, duty: Duty) -> Entry:
        entry = self.seats.pop(duty.key)
        self._desk.unseat(duty, entry)
        for who in entry:
            self._loads[who] -= self._desk.weight(duty, who)
        return entry

    def even_out(self, duties: tuple[Duty, ...]) -> None:
        """Step 2 for one group. Fixed turns and published duties stay; so do duties of several people."""
        free = [d for d in duties if d.turn is None and d.now is None and all(len(entry) == 1 for entry in d.options)]
        team = sorted({who for duty in free for entry in duty.options for who in entry})
        for _ in range(_ROUNDS if len(team) > 1 else 0):
            ends = (max(team, key=self._place), min(team, key=self._place))
            if self._loads[ends[0]] - self._loads[ends[1]] <= _EVEN_ENOUGH:
                return
            if not any(self._exchange(self._ideas(one, team, free)) for one in ends):
                return

    def _place(self, who: PersonId) -> tuple[int, PersonId]:
        return self._loads[who], who

    def _ideas(self, one: PersonId, team: list[PersonId], free: list[Duty]) -> list[_Idea]:
        """What this person could hand over or change, the most helpful first."""
        held: dict[PersonId, list[Duty]] = {who: [] for who in team}
        for duty in free:
            if (entry := self.seats.get(duty.key)) is not None:
                held[entry[0]].append(duty)
        mean = sum(self._loads[who] for who in team) / len(team)
        ideas: list[_Idea] = []
        for other in team:
            if (self._loads[other] - mean) * (self._loads[one] - mean) < 0:
                ideas += self._between(one, other, held, mean)
        return sorted(ideas, key=lambda idea: (idea.gain, idea.keys))[:_TRIES]

    def _between(
        self, one: PersonId, other: PersonId, held: dict[PersonId, list[Duty]], mean: float
    ) -> Iterator[_Idea]:
        mine, theirs = self._loads[one] - mean, self._loads[other] - mean
        now = mine**2 + theirs**2
        gives = [(d, *self._weights(d, one, other)) for d in held[one] if (other,) in d.options]
        takes = [(d, *self._weights(d, one, other)) for d in held[other] if (one,) in d.options]
        for give, out, arrives in [*gives, (None, 0, 0)]:
            for take, arriving, leaves in [*takes, (None, 0, 0)]:
                gain = (mine - out + arriving) ** 2 + (theirs + arrives - leaves) ** 2 - now
                if gain < 0:
                    yield _Idea(round(gain), one, other, give, take)

    def _weights(self, duty: Duty, one: PersonId, other: PersonId) -> tuple[int, int]:
        return self._desk.weight(duty, one), self._desk.weight(duty, other)

    def _exchange(self, ideas: list[_Idea]) -> bool:
        """Do the first idea that nothing stands against."""
        return any(self._try(idea) for idea in ideas)

    def _try(self, idea: _Idea) -> bool:
        moves = [(duty, who) for duty, who in ((idea.give, idea.other), (idea.take, idea.one)) if duty is not None]
        before = [(duty, self._unseat(duty)) for duty, _ in moves]
        done: list[Duty] = []
        for duty, who in moves:
            if self._desk.can_serve(duty, (who,)):
                self._seat(duty, (who,))
                done.append(duty)
        if len(done) == len(moves):
            return True
        for duty in done:
            self._unseat(duty)
        for duty, entry in before:
            self._seat(duty, entry)
        return False


@dataclass(frozen=True, slots=True)
class _Idea:
    """`one` gives a duty to `other` and takes one back, or only the one or the other; `gain` of squares, below 0."""

    gain: int
    one: PersonId
    other: PersonId
    give: Duty | None
    take: Duty | None

    @property
    def keys(self) -> tuple[str, str, str]:
        return self.other, self.give.key if self.give else "", self.take.key if self.take else ""
