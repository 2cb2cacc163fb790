"""Any sequence of messages, by anybody, in any order: the rules of the room hold.

Three roles with several windows each, a database and a worker that sometimes refuse, lines that break, windows that replace each other.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.sessions.core import SeatState
from server.signaling.room.effects import JoinMedia, Log
from tests.support.core_stage import CoreStage
from tests.support.transcripts import Transcript

SEATS = {
    "a1": {"role": "in_charge", "name": "李婉清"},
    "b1": {"role": "applicant", "name": ""},
    "c1": {"role": "party", "name": "陈建国", "state": "invited"},
    "w1": {"role": "site_worker", "name": "周小梅", "state": "invited"},
}
LEADS = ("admit", "refuse", "remove", "silence", "end")

seats = st.sampled_from([*SEATS, "nobody"])
windows = st.sampled_from([f"{seat}{window}" for seat in SEATS for window in ("", "", "#2")])
sources = st.sampled_from(["voice", "face", "document", "screen"])
messages = st.one_of(
    st.fixed_dictionaries({"type": st.just("mute"), "source": sources, "muted": st.booleans()}),
    st.fixed_dictionaries({"type": st.sampled_from(["admit", "refuse", "remove", "wait"]), "seat": seats}),
    st.fixed_dictionaries({"type": st.just("silence"), "seat": seats, "source": sources, "silenced": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("name"), "seat": seats, "name": st.just("王秀兰")}),
    st.fixed_dictionaries({"type": st.just("end"), "reason": st.just("completed")}),
    st.fixed_dictionaries({"type": st.just("leave")}),
    st.fixed_dictionaries({"type": st.sampled_from(["show_document", "share_screen", "stop_showing"])}),
    st.fixed_dictionaries({"type": st.just("stop_showing"), "seat": seats}),
    st.fixed_dictionaries({"type": st.just("ping"), "t": st.just(1.0)}),
    st.fixed_dictionaries({"type": st.just("report"), "frozen_ms": st.integers(0, 5000)}),
    st.fixed_dictionaries(
        {
            "type": st.just("offer"),
            "peer": st.integers(0, 3),
            "revision": st.integers(1, 3),
            "sdp": st.sampled_from(["v=0", "refuse bad_offer", "refuse unknown_room", "refuse stale_connection"]),
            "sources": st.sampled_from(
                [{"0": "voice"}, {"0": "voice", "9": "document"}, {"0": "voice", "9": "screen"}]
            ),
        }
    ),
)


class Room(RuleBasedStateMachine):
    """The stage of the transcripts, driven by chance."""

    @initialize(here=st.sets(st.sampled_from(list(SEATS)), min_size=2))
    def open(self, here: set[str]) -> None:
        self.views: dict[str, dict[str, str]] = {}  # what each window shows: seat -> state
        self.stage = CoreStage(Transcript("chance", "", recorded=True, core_only=True, seats=SEATS, steps=()))
        for seat in sorted(here):
            self.do({"from": seat, "say": {"type": "join", "token": f"seat:{seat}"}})

    def do(self, stimulus: dict[str, Any]) -> None:
        """One stimulus; what was heard of it is looked at at once."""
        before = {seat: person.state for seat, person in self.stage.session.people.items()}
        logged = len(self.stage.log)
        self.stage.heard, self.stage.asked = {}, []
        self.stage.stimulate(stimulus)
        self._look_at_what_was_asked(before)
        self._look_at_what_was_heard(stimulus)
        self._look_at_what_changed(stimulus, before, self.stage.log[logged:])

    @rule(who=windows, kind=st.sampled_from(["token", "resume"]), media=st.booleans())
    def join(self, who: str, kind: str, media: bool) -> None:
        seat = who.partition("#")[0]
        word = "seat" if kind == "token" else "resume"
        self.do({"from": who, "say": {"type": "join", kind: f"{word}:{seat}", "media": media}})

    @rule(who=windows, message=messages)
    def say(self, who: str, message: dict[str, Any]) -> None:
        self.do({"from": who, "say": message})

    @rule(who=windows)
    def drop(self, who: str) -> None:
        if who in self.stage._lines:
            self.do({"drop": who})

    @rule(seat=st.sampled_from(list(SEATS)), state=st.sampled_from(["connected", "reconnecting", "gone"]))
    def worker_tells_of_a_peer(self, seat: str, state: str) -> None:
        if seat in self.stage.session.people:
            cause = "consent" if state == "gone" else None
            self.do({"worker": {"event": "peer_state", "seat": seat, "state": state, "cause": cause}})

    @rule(word=st.sampled_from(["away", "back"]))
    def database(self, word: str) -> None:
        self.do({"database": word})

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.do({"after_s": seconds})

    @rule()
    def worker_is_replaced(self) -> None:
        self.do({"lost": True})
        self.do({"replaced": True})

    # ------------------------------------------------------------ what must hold

    def _look_at_what_was_heard(self, stimulus: dict[str, Any]) -> None:
        for who, heard in self.stage.heard.items():
            seat = who.partition("#")[0]
            for message in heard:
                json.dumps(message)
                self._draw(who, message)
                if message.get("type") in ("welcome", "answer", "slots", "quality", "recording", "rejoin"):
                    assert self._state(seat) in (SeatState.ADMITTED, SeatState.LEFT, SeatState.REMOVED), (who, message)
                if message.get("type") == "quality":
                    assert SEATS[seat]["role"] in ("in_charge", "site_worker"), (who, message)
                if message.get("type") == "person" and message["person"]["state"] in ("waiting", "refused"):
                    assert seat == "a1", (who, message)

    def _draw(self, who: str, message: dict[str, Any]) -> None:
        """As a page does."""
        kind = message.get("type", "closed")  # a line that hangs says nothing any more
        if kind == "welcome":
            self.views[who] = {person["seat"]: person["state"] for person in message["people"]}
        elif kind in ("waiting", "closed"):
            self.views.pop(who, None)
        elif kind == "person" and who in self.views:
            self.views[who][message["person"]["seat"]] = message["person"]["state"]

    @invariant()
    def nobody_listens_unseen(self) -> None:
        """Whoever can be sent anything of the room is shown to everybody in it."""
        here = {seat for seat, person in self.stage.session.people.items() if person.is_seated}
        for who, view in self.views.items():
            seat = who.partition("#")[0]
            if seat in here and self.stage.session.people[seat].line == self.stage._lines.get(who):
                shown = {other for other, state in view.items() if state not in ("left", "removed", "refused")}
                assert here - {seat} <= shown, (who, view, here)

    def _look_at_what_was_asked(self, before: dict[str, SeatState]) -> None:
        """Nobody gets a peer at the worker who is not admitted."""
        for ask in self.stage.asked:
            if isinstance(ask.request, JoinMedia):
                assert before[ask.request.seat] is SeatState.ADMITTED, ask

    def _look_at_what_changed(self, stimulus: dict[str, Any], before: dict[str, SeatState], log: list[Log]) -> None:
        said = stimulus.get("say", {}).get("type")
        speaker = stimulus.get("from", "").partition("#")[0]
        for seat, person in self.stage.session.people.items():
            old, new = before.get(seat), person.state
            if new is old or old is None:
                continue
            if new in (SeatState.ADMITTED, SeatState.REFUSED, SeatState.REMOVED):
                assert speaker == "a1", (stimulus, seat, old, new)
                assert said in LEADS, (stimulus, seat, old, new)
                assert before["a1"] is SeatState.ADMITTED
        if any(entry.kind == "ended" for entry in log):
            assert (speaker, said) == ("a1", "end")

    def _state(self, seat: str) -> SeatState:
        return self.stage.session.people[seat].state

    @invariant()
    def lines_and_people_agree(self) -> None:
        session = self.stage.session
        for line, seat in session.lines.items():
            assert session.people[seat].line == line
        holders = [person.line for person in session.people.values() if person.line is not None]
        assert sorted(holders) == sorted(session.lines)
        assert len(set(holders)) == len(holders)
        assert set(session.lines) <= set(self.stage._lines.values())  # what was hung up is gone

    @invariant()
    def who_was_sent_away_has_no_line_and_no_media(self) -> None:
        for person in self.stage.session.people.values():
            if person.state in (SeatState.REFUSED, SeatState.REMOVED, SeatState.LEFT):
                assert person.line is None
            if person.state in (SeatState.REFUSED, SeatState.REMOVED):
                assert person.peer is None
                assert person.offered is None

    @invariant()
    def nobody_is_seated_without_admission(self) -> None:
        for seat, person in self.stage.session.people.items():
            admitted = [entry for entry in self.stage.log if (entry.kind, entry.seat) == ("admitted", seat)]
            if seat in ("c1", "w1") and person.state is SeatState.ADMITTED:
                assert admitted

    @invariant()
    def one_thing_is_shown_and_by_who_may(self) -> None:
        """At most one thing in the room, by somebody who is in it and whose role may."""
        showing = [person for person in self.stage.session.people.values() if person.shows]
        assert len(showing) <= 1, showing
        for person in showing:
            assert person.state is SeatState.ADMITTED
            assert person.shows == "document" or SEATS[person.seat]["role"] in ("in_charge", "site_worker")

    @invariant()
    def an_ended_session_is_silent(self) -> None:
        if self.stage.session.state == "ended":
            assert self.stage.finished is not None
            assert not self.stage.session.lines

    @invariant()
    def numbers_of_peers_only_rise(self) -> None:
        for person in self.stage.session.people.values():
            for peer in (person.peer, person.offered):
                assert peer is None or peer.number <= person.last_number


Room.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestRoom = Room.TestCase
