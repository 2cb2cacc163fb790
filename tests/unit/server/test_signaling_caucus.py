"""Private talks: who receives a room is shown to all at every step, nothing of them is recorded, and the way back is always open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.mediaplane.facts import StandingPeer
from server.sessions.core import SeatState
from server.signaling.room import dispatch, media, voices
from server.signaling.room.effects import Ask, JoinMedia, LeaveMedia, MoveMedia, Refused
from tests.support.core_stage import PRIVATE, ROOM, CoreStage
from tests.support.transcripts import Transcript

SEATS: dict[str, dict[str, Any]] = {
    "a1": {"role": "in_charge", "name": "王建国"},
    "b1": {"role": "applicant", "name": "王秀兰"},
    "c1": {"role": "party", "name": "陈建国", "state": "admitted"},
    "d1": {"role": "interpreter", "name": "小李", "state": "admitted"},
}


class Mediation(CoreStage):
    """Four people together, all with a peer; keeps in which room the worker has each of them, and what each page was told."""

    def __init__(self) -> None:
        super().__init__(Transcript("mediation", "", False, False, SEATS, ()))
        self.receives: dict[str, str] = {}
        self.told: dict[str, dict[str, str]] = {seat: {} for seat in SEATS}
        for seat in SEATS:
            self.say(seat, type="join", token=f"seat:{seat}")
            self.say(seat, type="offer", peer=1, revision=1, sdp="v=0", sources={"0": "voice"})

    def say(self, seat: str, /, **message: Any) -> list[dict[str, Any]]:
        """What the sender hears of it; everybody else's messages are taken in too."""
        self.heard, before = {}, len(self.asked)
        self.stimulate({"from": seat, "say": message})
        for ask in self.asked[before:]:
            self._worker_did(ask)
        for who, lines in self.heard.items():
            for line in lines:
                people = line.get("people", []) if line.get("type") == "welcome" else [line.get("person")]
                self.told[who] |= {one["seat"]: one.get("room") or ROOM for one in people if one}
        return self.heard.get(seat, [])

    def _worker_did(self, ask: Ask) -> None:
        match ask.request:
            case JoinMedia(seat=seat):
                self.receives[seat] = ask.room
            case MoveMedia(seat=seat, to_room=to):
                assert self.receives[seat] == ask.room, "moved out of a room that the worker does not have them in"
                self.receives[seat] = to
            case LeaveMedia(seat=seat):
                self.receives.pop(seat, None)

    def nobody_listens_in_silence(self) -> None:
        """Every page in a room knows of everybody who receives anything, and in which room."""
        for who in self.receives:
            told = self.told[who]
            wrong = {seat: room for seat, room in self.receives.items() if told.get(seat) != room}
            assert wrong == {}, f"{who} was not told: {wrong}, only {told}"


@pytest.fixture
def together() -> Mediation:
    return Mediation()


STEPS: list[list[dict[str, Any]]] = [
    [{"type": "caucus", "seats": ["b1"]}, {"type": "recall"}],
    [{"type": "caucus", "seats": ["c1", "d1"]}, {"type": "move", "seat": "d1", "room": ""}, {"type": "recall"}],
    [{"type": "caucus", "seats": ["b1"]}, {"type": "move", "seat": "d1", "room": PRIVATE}, {"type": "move", "seat": "a1", "room": ""}],
    [{"type": "caucus", "seats": ["b1"]}, {"type": "wait", "seat": "b1"}, {"type": "admit", "seat": "b1"}, {"type": "recall"}],
    [{"type": "caucus", "seats": ["d1"]}, {"type": "remove", "seat": "d1"}, {"type": "recall"}],
]  # fmt: skip


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "-".join(step["type"] for step in steps))
def test_whoever_receives_a_room_is_shown_in_it_to_everybody(together: Mediation, steps: list[dict[str, Any]]) -> None:
    together.nobody_listens_in_silence()
    for step in steps:
        together.say("a1", **step)

        together.nobody_listens_in_silence()
        assert together.session.facts.rooms.get(PRIVATE) in (None, False)  # never recorded


def test_both_sides_are_never_in_a_private_talk(together: Mediation) -> None:
    refused = together.say("a1", type="caucus", seats=["b1", "c1"], rid=1)
    together.say("a1", type="caucus", seats=["b1"])
    also = together.say("a1", type="move", seat="c1", room=PRIVATE, rid=2)

    assert [line["code"] for line in (*refused, *also)] == ["not_allowed", "not_allowed"]
    assert together.receives == {"a1": PRIVATE, "b1": PRIVATE, "c1": ROOM, "d1": ROOM}


@pytest.mark.parametrize("who", ["b1", "c1", "d1"])
@pytest.mark.parametrize(
    "message", [{"type": "caucus", "seats": ["b1"]}, {"type": "move", "seat": "b1", "room": ""}, {"type": "recall"}]
)
def test_only_who_leads_moves_people(together: Mediation, who: str, message: dict[str, Any]) -> None:
    assert [line["code"] for line in together.say(who, **message)] == ["not_allowed"]


def test_where_nobody_decides_about_recording_there_are_no_private_talks() -> None:
    seats = {seat: SEATS[seat] for seat in ("a1", "b1")}
    stage = CoreStage(Transcript("act", "", True, False, seats, ()))
    stage.stimulate({"from": "a1", "say": {"type": "join", "token": "seat:a1"}})
    assert "caucus" not in stage.heard["a1"][0]["you"]["may"]
    stage.heard = {}
    stage.stimulate({"from": "a1", "say": {"type": "caucus", "seats": ["b1"]}})

    assert stage.heard["a1"][0]["code"] == "not_allowed"  # a notarial act is recorded from the first moment to the last


def test_the_recording_of_all_stops_while_one_side_is_away_and_goes_on_after(together: Mediation) -> None:
    together.say("a1", type="ask_consent", purpose="recording")
    for seat in ("b1", "c1", "d1"):
        together.say(seat, type="consent", purpose="recording", given=True)
    assert together.session.recording_of(ROOM).state == "recording"

    together.say("a1", type="caucus", seats=["b1"])
    assert together.session.recording_of(ROOM).state == "stopped"
    assert together.session.recording_of(PRIVATE).state == "none"

    together.say("a1", type="recall")
    assert together.session.recording_of(ROOM).state == "recording"
    assert together.held == []  # the private room has ended


def test_who_is_elsewhere_does_not_hear_that_somebody_speaks(together: Mediation) -> None:
    together.say("a1", type="caucus", seats=["b1"])

    def hears(room: str, *seats: str) -> dict[str, list[str]]:
        together.heard = {}
        together._perform(voices.on_speaking(together.session, room, seats))
        return {who: line["seats"] for who, lines in together.heard.items() for line in lines}

    assert hears(PRIVATE, "a1") == {"a1": ["a1"], "b1": ["a1"]}
    assert hears(ROOM, "c1", "b1") == {"c1": ["c1"], "d1": ["c1"]}  # the worker's word about b1 is from before the move
    together.session.people["d1"].going = PRIVATE
    assert hears(ROOM, "c1", "d1") == {}  # d1 is on the way out: nothing new for anybody
    assert hears(ROOM, "d1") == {"c1": [], "d1": []}
    together.say("a1", type="wait", seat="c1")
    together.session.people["d1"].going = None
    assert hears(ROOM, "d1") == {"d1": ["d1"]}  # c1 is at the door


def test_a_peer_that_cannot_be_moved_stops_before_the_page_makes_a_new_one(together: Mediation) -> None:
    person = together.session.people["b1"]
    ask = Ask(ROOM, MoveMedia("b1", person.peer.number if person.peer else 0, PRIVATE))
    together.session.facts.rooms[PRIVATE] = False
    together.session.facts.private.add(PRIVATE)
    person.going = PRIVATE

    effects = dispatch.answered(together.session, ask, Refused("unknown_room"), together.now)

    assert [(one.room, type(one.request)) for one in effects if isinstance(one, Ask)] == [(ROOM, LeaveMedia)]
    assert (person.facts.room, person.peer) == (ROOM, None)  # shown where they were until sending has stopped


def test_an_offer_while_somebody_is_being_moved_is_asked_for_again(together: Mediation) -> None:
    together.session.people["b1"].going = PRIVATE

    heard = together.say("b1", type="offer", peer=2, revision=1, sdp="v=0", sources={}, rid="offer")

    assert [line["code"] for line in heard] == ["service_away"]


def test_after_a_restart_nobody_stands_in_a_room_that_is_not_theirs(together: Mediation) -> None:
    together.say("a1", type="caucus", seats=["b1"])
    standing = [
        StandingPeer("b1", 1001, "connected", frozenset(), (), 0),
        StandingPeer("c1", 1001, "connected", frozenset(), (), 0),
    ]

    effects = media.adopt(together.session, ROOM, standing, together.now)

    left = [one.request for one in effects if isinstance(one, Ask)]
    assert left == [LeaveMedia("b1", 1001, "left")]
    assert together.session.people["b1"].state is SeatState.ADMITTED
    assert json.dumps(together.told["c1"]) == json.dumps({"a1": PRIVATE, "b1": PRIVATE, "c1": ROOM, "d1": ROOM})
