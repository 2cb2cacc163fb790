"""The model beside the line: a plain list of people. tests/property/test_queue_machine.py plays both and compares.

It knows who was told that they have a ticket, where each stands, and who is with which clerk. Its own order says whom *call next* must yield.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from server.waiting import core
from tests.support.hall_stage import HallStage

KIOSKS, CLERKS = 4, 3


@dataclass(slots=True)
class Person:
    """Somebody who was told that they have a ticket."""

    id: str
    area: str
    priority: int
    place: int
    arrival: int  # in the order in which they were told
    state: str = "waiting"
    kiosk: str | None = None  # holds the ticket
    near: str | None = None  # is called to this kiosk when it is free
    clerk: int | None = None
    served: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        return (-self.priority, self.place, self.arrival)


class QueueModel(RuleBasedStateMachine):
    """Who stands where, as everybody was told; after every step the database must say the same."""

    stage: HallStage

    @initialize()
    def open(self) -> None:
        self.hall = self.stage.open_hall(KIOSKS, CLERKS)
        self.people: dict[str, Person] = {}
        self.last_place = dict.fromkeys(self.hall.areas.values(), 0)
        self.arrivals = 0
        self.sessions: dict[int, str] = {}
        self.given_out: dict[str, int] = {}

    # ---------------------------------------------------------------- who comes

    def add(self, ticket: str, area: str, priority: int) -> Person:
        """At the end of the line, whatever the clock says."""
        assert ticket not in self.people
        place = max(self.last_place[area] + 1, core.place_at(self.stage.now))
        self.last_place[area] = place
        return self.insert(ticket, area, priority, place)

    def insert(self, ticket: str, area: str, priority: int, place: int) -> Person:
        self.arrivals += 1
        self.people[ticket] = Person(ticket, area, priority, place, self.arrivals)
        return self.people[ticket]

    # ---------------------------------------------------------------- who is called

    def callable_by(self, clerk: int) -> list[Person]:
        """Who may be called, first one first."""
        free = [one for one in self.people.values() if one.state == "waiting" and self.can_come(one)]
        return sorted(free, key=lambda one: one.order)

    def can_come(self, person: Person) -> bool:
        return person.near is None or self.holder(person.near) is None

    def holder(self, kiosk: str | None) -> Person | None:
        live = ("waiting", "held", "called", "serving")
        return next((one for one in self.people.values() if one.kiosk == kiosk and one.state in live), None)

    def kiosk_is_in_a_room(self, expected: list[Person]) -> bool:
        return bool(expected) and any(
            one.kiosk == expected[0].kiosk and one.clerk is not None for one in self.people.values()
        )

    def called(self, clerk: int, called: Any, expected: Person) -> None:
        assert called.ticket.id == expected.id
        expected.state, expected.clerk = "called", clerk
        expected.kiosk = expected.kiosk or expected.near
        self.sessions[clerk] = called.session.session_id

    def pick(self, number: int, *states: str) -> Person | None:
        found = [one for one in self.people.values() if not states or one.state in states]
        return found[number % len(found)] if found else None

    def with_clerk(self, clerk: int) -> Person | None:
        return next((one for one in self.people.values() if one.clerk == clerk), None)

    def back_in_line(self, person: Person) -> None:
        assert person.clerk is not None
        self.sessions.pop(person.clerk)
        person.state, person.clerk = "waiting", None
        if person.near:
            person.kiosk = None

    def rows(self) -> list[dict[str, Any]]:
        return self.stage.rows(
            "select id::text, state, area_id::text as area, place, called_by::text, called_at from ticket where area_id = any ($1)",
            list(self.hall.areas.values()),
        )

    def row(self, ticket: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["id"] == ticket)

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def nobody_is_lost(self) -> None:
        if not hasattr(self, "people"):
            return
        told = {one.id: (one.state, one.area, one.place) for one in self.people.values()}
        kept = {
            row["id"]: (row["state"] if row["state"] != "serving" else "called", row["area"], row["place"])
            for row in self.rows()
        }
        assert kept == told

    @invariant()
    def nobody_is_served_twice(self) -> None:
        if not hasattr(self, "people"):
            return
        assert all(one.served <= 1 for one in self.people.values())
        twice = self.stage.rows(
            "select t.id from ticket t join session n on n.ticket_id = t.id where t.area_id = any ($1) and (n.state <> 'ended' "
            "or n.end_reason in ('completed', 'no_show')) group by t.id having count(*) > 1",
            list(self.hall.areas.values()),
        )
        assert twice == []
