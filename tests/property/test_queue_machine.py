"""The line under chance, on a real PostgreSQL: nobody is lost, nobody is served twice, order holds within a priority.

After every step the database must say what the model says (tests/support/queue_model.py, a plain list of people); whom *call next* yields must
be the first of the model's own order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from server.errors import Conflict, NotAllowed
from server.sessions import service as sessions
from server.tickets import offline
from server.tickets import service as tickets
from server.waiting import core, service, store
from tests.support.hall_stage import HallStage
from tests.support.queue_model import CLERKS, KIOSKS, Person, QueueModel

groups = st.sampled_from(["", "", "elderly", "disabled"])
services = st.sampled_from(["notarization", "notarization", "mediation"])
picks = st.integers(0, 999)
LINES = {"notarization": "county notarization", "mediation": "county mediation"}


class Queue(QueueModel):
    """Chance plays kiosks, clerks and the clock."""

    # ---------------------------------------------------------------- coming

    @rule(kiosk=st.integers(0, KIOSKS - 1), name=services, group=groups)
    def take(self, kiosk: int, name: str, group: str) -> None:
        actor = self.hall.kiosks[kiosk]
        key = f"press-{self.arrivals:06d}"
        place = self.stage.ask(lambda conn: service.take_ticket(conn, actor, name, "", key, self.stage.now, group))
        if isinstance(place, str):
            assert place == "ticket_held"
            assert self.holder(actor.id) is not None
            return
        assert self.holder(actor.id) is None
        person = self.add(place.ticket.id, self.hall.areas[LINES[name]], core.PRIORITIES[group])
        person.kiosk = actor.id
        again = self.stage.do(lambda conn: service.take_ticket(conn, actor, name, "", key, self.stage.now, group))
        assert again.ticket.id == person.id
        assert again.ticket.people_ahead == sum(
            one.order < person.order
            for one in self.people.values()
            if one.area == person.area and one.state == "waiting"
        )

    @rule(name=services, group=st.sampled_from(["", "urgent"]))
    def take_at_the_counter(self, name: str, group: str) -> None:
        wish = store.NewTicket(None, self.hall.site, "", "k" * 32 + str(self.arrivals), "counter", 0, group, "时限")
        clerk = self.hall.clerks[0]
        facts, _ = self.stage.do(lambda conn: tickets.take_for(conn, clerk, self.hall.site, name, wish, self.stage.now))
        self.add(facts.id, self.hall.areas[LINES[name]], core.PRIORITIES[group])

    @rule(
        kiosk=st.integers(0, KIOSKS - 1),
        ages=st.lists(st.integers(0, 290), min_size=1, max_size=4),
        error=st.integers(-7200, 7200),
    )
    def merge_offline(self, kiosk: int, ages: list[int], error: int) -> None:
        """The line was down for five minutes; the device's clock is wrong by `error` seconds."""
        actor, now = self.hall.kiosks[kiosk], self.stage.now
        found = self.stage.do(lambda conn: offline.blocks(conn, actor, now))
        line, block = next(pair for pair in found if pair[0].service == "notarization")
        since = block.first + self.given_out.get(block.id, 0)
        if since + len(ages) > block.last:
            return
        self.stage.now = now = now + dt.timedelta(seconds=300)
        device_now = now + dt.timedelta(seconds=error)
        given = [
            offline.OfflineTicket(since + n, device_now - dt.timedelta(seconds=age))
            for n, age in enumerate(sorted(ages, reverse=True))
        ]
        gap = offline.Gap(device_now - dt.timedelta(seconds=300), device_now)
        twice = [self.stage.do(lambda conn: offline.merge(conn, actor, block.id, given, gap, now)) for _ in range(2)]
        assert [one.ticket for one in twice[0]] == [one.ticket for one in twice[1]]
        assert [one.was_known for one in twice[1]] == [True] * len(given)
        self.given_out[block.id] = self.given_out.get(block.id, 0) + len(given)
        previous = 0
        for one, age in zip(twice[0], sorted(ages, reverse=True), strict=True):
            came = max(now - dt.timedelta(seconds=age), block.issued_at)
            previous = max(previous + 1, min(core.place_at(came), core.place_at(now)))
            self.insert(one.ticket, line.id, 0, previous).near = actor.id

    # ---------------------------------------------------------------- being called

    @rule(clerk=st.integers(0, CLERKS - 1))
    def call_next(self, clerk: int) -> None:
        expected = self.callable_by(clerk)
        called = self.stage.ask(lambda conn: service.call_next(conn, self.hall.clerks[clerk], None, self.stage.now))
        if isinstance(called, str):
            if called == "session_running":
                assert clerk in self.sessions or self.kiosk_is_in_a_room(expected)
            else:
                assert (called, expected) == ("nobody_waiting", [])
            return
        self.called(clerk, called, expected[0])

    @rule()
    def all_clerks_press_at_once(self) -> None:
        free = [clerk for clerk in range(CLERKS) if clerk not in self.sessions]
        expected = self.callable_by(0)
        kiosks = [one.near or one.kiosk for one in expected[: len(free)] if one.near or one.kiosk]
        if len(set(kiosks)) != len(kiosks):
            return  # two of one kiosk: who wins is chance; the single presses cover it
        works = [
            (lambda conn, who=clerk: service.call_next(conn, self.hall.clerks[who], None, self.stage.now))
            for clerk in free
        ]
        answers = self.stage.at_once(*works)
        got = {}
        for clerk, answer in zip(free, answers, strict=True):
            if isinstance(answer, Conflict):
                assert answer.code == "nobody_waiting", answer.code
                continue
            if isinstance(answer, BaseException):
                raise answer
            got[answer.ticket.id] = (clerk, answer)
        assert set(got) == {one.id for one in expected[: len(free)]}
        for one in expected[: len(free)]:
            self.called(got[one.id][0], got[one.id][1], one)

    @rule(clerk=st.integers(0, CLERKS - 1), pick=picks)
    def call_this(self, clerk: int, pick: int) -> None:
        person = self.pick(pick)
        if person is None:
            return
        called = self.stage.ask(
            lambda conn: service.call_ticket(conn, self.hall.clerks[clerk], person.id, self.stage.now)
        )
        if isinstance(called, str):
            assert called in ("session_running", "ticket_gone")
            assert clerk in self.sessions or person.state != "waiting" or not self.can_come(person)
            return
        assert person.state == "waiting"
        self.called(clerk, called, person)

    # ---------------------------------------------------------------- with a clerk

    @rule(
        clerk=st.integers(0, CLERKS - 1),
        reason=st.sampled_from(["completed", "completed", "no_show", "technical"]),
        enters=st.booleans(),
    )
    def finish(self, clerk: int, reason: Any, enters: bool) -> None:
        person = self.with_clerk(clerk)
        if person is None:
            return
        session = self.sessions.pop(clerk)

        async def end(conn: Any) -> None:
            async with conn.transaction():
                if enters:
                    await sessions.go_live(conn, session, self.stage.now)
                await sessions.write_end(conn, session, self.hall.clerks[clerk], reason, self.stage.now)

        self.stage.do(end)
        person.state = "no_show" if reason == "no_show" else "done"
        person.clerk = None
        person.served += 1

    @rule(clerk=st.integers(0, CLERKS - 1), by=st.integers(0, CLERKS - 1))
    def put_back(self, clerk: int, by: int) -> None:
        person = self.with_clerk(clerk)
        if person is None:
            return
        try:
            self.stage.do(lambda conn: tickets.put_back(conn, self.hall.clerks[by], person.id, "", self.stage.now))
        except NotAllowed:
            assert by != clerk
            return
        assert by == clerk
        self.back_in_line(person)

    @rule(
        pick=picks,
        by=st.integers(0, CLERKS - 1),
        to=st.sampled_from(["city notarization", "county mediation", "county notarization"]),
    )
    def transfer(self, pick: int, by: int, to: str) -> None:
        person = self.pick(pick, "waiting", "held", "called")
        if person is None or self.hall.areas[to] == person.area:
            return
        try:
            moved = self.stage.do(
                lambda conn: tickets.transfer(
                    conn, self.hall.clerks[by], person.id, self.hall.areas[to], "续", self.stage.now
                )
            )
        except NotAllowed:
            assert person.clerk not in (None, by)
            return
        if person.clerk is not None:
            self.back_in_line(person)
        person.state = "transferred"
        self.last_place[self.hall.areas[to]] += 1
        heir = self.insert(moved.id, self.hall.areas[to], person.priority, person.place)
        heir.kiosk, heir.near = person.kiosk, person.near
        assert [line.note for line in self.stage.do(lambda conn: tickets.store.story(conn, heir.id))].count("续") >= 1

    # ---------------------------------------------------------------- in line

    @rule(pick=picks, by=st.integers(0, CLERKS - 1))
    def skip(self, pick: int, by: int) -> None:
        person = self.pick(pick, "waiting")
        if person is None:
            return
        behind = sorted(
            (one for one in self.people.values()
             if one.area == person.area and one.priority == person.priority and one.state == "waiting" and one.order > person.order),
            key=lambda one: one.order,
        )[:2]  # fmt: skip
        self.stage.do(lambda conn: tickets.skip(conn, self.hall.clerks[by], person.id, self.stage.now))
        person.place = behind[-1].place + 1 if behind else person.place

    @rule(pick=picks)
    def hold(self, pick: int) -> None:
        self.move(self.pick(pick, "waiting", "held", "called"), tickets.hold, "waiting", "held")

    @rule(pick=picks)
    def resume(self, pick: int) -> None:
        self.move(self.pick(pick, "waiting", "held"), tickets.resume, "held", "waiting")

    def move(self, person: Person | None, act: Any, since: str, to: str) -> None:
        if person is None:
            return
        answer = self.stage.ask(lambda conn: act(conn, self.hall.clerks[0], person.id, self.stage.now))
        if isinstance(answer, str):
            assert (answer, person.state == since) == ("ticket_gone", False)
            return
        assert person.state == since
        person.state = to

    @rule(kiosk=st.integers(0, KIOSKS - 1))
    def leave(self, kiosk: int) -> None:
        actor = self.hall.kiosks[kiosk]
        person = self.holder(actor.id)
        self.stage.do(lambda conn: service.leave_queue(conn, actor, self.stage.now))
        if person is not None and person.state in ("waiting", "held"):
            person.state = "abandoned"

    # ---------------------------------------------------------------- time

    @rule(seconds=st.sampled_from([1, 30, 130, 310, 700, 3600, -1, -60, -3600]))
    def clock_jumps(self, seconds: int) -> None:
        self.stage.now += dt.timedelta(seconds=seconds)

    @rule()
    def the_steward_looks_round(self) -> None:
        self.look_round(dt.timedelta())

    @rule(clerk=st.integers(0, CLERKS - 1))
    def a_clerk_crashes(self, clerk: int) -> None:
        """Called, and never came into the room: after five minutes whom they called is back in line, the place kept."""
        person = self.with_clerk(clerk)
        self.look_round(dt.timedelta(seconds=301 if clerk in self.sessions else 0))
        if person is not None and self.row(person.id)["called_at"] is None:
            assert person.state == "waiting"

    def look_round(self, later: dt.timedelta) -> None:
        self.stage.now += later
        self.stage.round()
        for row in self.rows():
            person = self.people[row["id"]]
            if row["state"] != person.state:
                assert (person.state, row["state"]) == ("called", "waiting"), (
                    "the steward puts back whom nobody met, and no more"
                )
                self.back_in_line(person)
            if row["area"] != person.area:
                assert person.area == self.hall.areas["county notarization"], "only this line overflows"
                assert row["area"] == self.hall.areas["city notarization"]
                person.area = row["area"]


@pytest.fixture
def stage(database_url: str) -> Iterator[HallStage]:
    stage = HallStage(database_url)
    yield stage
    stage.close()


def test_chance_plays_the_hall(stage: HallStage) -> None:
    def machine() -> Queue:
        queue = Queue()
        queue.stage = stage
        return queue

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            phases=(Phase.generate,),  # shrinking against a database takes longer than reading the steps
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
