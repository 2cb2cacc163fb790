"""What somebody shows is for the room it is shown in, one thing at a time, and ends with whatever carried it."""

from __future__ import annotations

from typing import Any

import pytest

from server.mediaplane.facts import StandingPeer
from server.signaling.room import media
from server.signaling.room.effects import LeaveMedia, MoveMedia, PauseMedia
from server.signaling.room.people import Person
from tests.support.core_stage import PRIVATE, ROOM, CoreStage
from tests.support.transcripts import Transcript

SEATS: dict[str, dict[str, Any]] = {
    "a1": {"role": "in_charge", "name": "王建国"},
    "b1": {"role": "applicant", "name": "王秀兰"},
    "c1": {"role": "party", "name": "陈建国", "state": "admitted"},
    "d1": {"role": "supporter", "name": "小李", "state": "admitted"},
}
FACE = {"0": "voice", "1": "face"}
DOCUMENT = FACE | {"8": "document"}


class Room(CoreStage):
    """Four people with a peer each, or on their way back to a server that was restarted."""

    def __init__(self, *, joined: bool = True) -> None:
        super().__init__(Transcript("showing", "", False, False, SEATS, ()))
        for seat in SEATS if joined else ():
            self.say(seat, type="join", token=f"seat:{seat}")
            self.offer(seat, FACE)

    def say(self, seat: str, /, **message: Any) -> list[dict[str, Any]]:
        """What the sender hears of it."""
        self.heard, self.asked = {}, []
        self.stimulate({"from": seat, "say": message})
        return self.heard.get(seat, [])

    def offer(self, seat: str, sources: dict[str, str], revision: int = 1) -> list[dict[str, Any]]:
        return self.say(seat, type="offer", peer=1, revision=revision, sdp="v=0", sources=sources, rid="offer")

    def show(self, seat: str) -> None:
        """A document, asked for and offered."""
        self.say(seat, type="show_document")
        self.offer(seat, DOCUMENT, 2)

    def person(self, seat: str) -> Person:
        return self.session.people[seat]

    def told_of(self, who: str, about: str) -> list[str]:
        """What a page was told that somebody shows, by the last stimulus."""
        people = [line["person"] for line in self.heard.get(who, []) if line.get("type") == "person"]
        return [one.get("shows", "") for one in people if one["seat"] == about]

    def noted(self) -> list[tuple[str, str | None]]:
        return [(entry.kind, entry.seat) for entry in self.log if entry.kind in ("page_shown", "showing_ended")]


@pytest.fixture
def room() -> Room:
    return Room()


def test_what_was_shown_in_private_does_not_come_along_to_the_others(room: Room) -> None:
    room.say("a1", type="caucus", seats=["b1"])
    room.show("b1")
    assert room.person("b1").shows == "document"

    room.say("a1", type="recall")

    moves = {ask.request.seat: type(ask.request) for ask in room.asked if ask.room == PRIVATE}
    assert moves == {"a1": MoveMedia, "b1": LeaveMedia}  # his whole peer ends there, and the page makes a new one
    assert (room.person("b1").shows, room.person("b1").facts.room == PRIVATE) == ("", False)
    assert room.noted() == [("page_shown", "b1"), ("showing_ended", "b1")]


def test_a_stream_whose_showing_has_just_ended_does_not_come_along_either(room: Room) -> None:
    room.say("a1", type="caucus", seats=["b1"])
    room.show("b1")
    room.say("b1", type="stop_showing")  # the offer without it is still on its way

    room.say("a1", type="recall")

    assert {ask.request.seat: type(ask.request) for ask in room.asked}["b1"] is LeaveMedia


def test_the_other_side_is_not_told_what_is_shown_in_private(room: Room) -> None:
    room.say("a1", type="caucus", seats=["b1"])
    room.say("b1", type="show_document")

    assert (room.told_of("a1", "b1"), room.told_of("c1", "b1")) == (["document"], [""])

    room.say("c1", type="show_document")  # a room of their own, and nothing is shown in it
    assert (room.told_of("d1", "c1"), room.told_of("a1", "c1")) == (["document"], [""])
    joined = room.say("c1", type="join", token="seat:c1")
    assert joined[0]["type"] == "error"


def test_a_welcome_tells_what_is_shown(room: Room) -> None:
    room.show("b1")
    room.stimulate({"drop": "c1"})

    welcome = room.say("c1", type="join", token="seat:c1")[0]

    assert {one["seat"]: one.get("shows") for one in welcome["people"]} == {
        "a1": None, "b1": "document", "c1": None, "d1": None
    }  # fmt: skip


def test_who_leads_ends_it_at_the_worker_and_it_is_forwarded_again_when_shown_anew(room: Room) -> None:
    room.show("b1")

    room.say("a1", type="stop_showing", seat="b1")
    assert [ask.request for ask in room.asked] == [PauseMedia("b1", "document", True)]
    assert room.told_of("b1", "b1") == [""]
    assert room.person("b1").silenced == set()  # ended, not muted
    assert room.log[-1].data == {"source": "document", "by": "a1"}
    room.offer("b1", FACE, 3)

    room.say("b1", type="show_document")
    assert [ask.request for ask in room.asked] == [PauseMedia("b1", "document", False)]
    assert room.told_of("a1", "b1") == ["document"]


def test_what_was_ended_stays_unforwarded_at_a_new_worker(room: Room) -> None:
    room.show("b1")
    room.say("a1", type="stop_showing", seat="b1")
    room.stimulate({"replaced": True})

    room.offer("b1", FACE)

    assert PauseMedia("b1", "document", True) in [ask.request for ask in room.asked]


def test_a_silenced_document_is_heard_of_until_it_is_shown_anew(room: Room) -> None:
    room.show("b1")
    room.say("a1", type="silence", seat="b1", source="document", silenced=True)
    assert room.person("b1").silenced == {"document"}
    room.say("b1", type="stop_showing")

    room.say("b1", type="show_document")

    assert room.person("b1").silenced == set()


@pytest.mark.parametrize(
    "end",
    [
        [{"from": "b1", "say": {"type": "leave"}}],
        [{"from": "a1", "say": {"type": "remove", "seat": "b1"}}],
        [{"from": "a1", "say": {"type": "wait", "seat": "b1"}}],
        [{"from": "a1", "say": {"type": "caucus", "seats": ["b1"]}}],
        [{"drop": "b1"}, {"from": "b1", "say": {"type": "join", "token": "seat:b1"}}],
        [{"drop": "b1"}, {"worker": {"event": "peer_state", "seat": "b1", "state": "gone"}}, {"after_s": 31}],
    ],
    ids=["leaves", "is removed", "is sent to the door", "is taken aside", "reloads", "does not come back"],
)
def test_it_ends_with_whatever_carried_it_and_somebody_else_may_show(room: Room, end: list[dict[str, Any]]) -> None:
    room.show("b1")
    assert [line["code"] for line in room.say("c1", type="show_document")] == ["shown_already"]

    for stimulus in end:
        room.stimulate(stimulus)

    assert room.person("b1").shows == ""
    assert room.noted() == [("page_shown", "b1"), ("showing_ended", "b1")]
    room.say("c1", type="show_document")
    assert room.person("c1").shows == "document"


def test_it_goes_on_while_the_socket_alone_is_renewed(room: Room) -> None:
    room.stimulate({"worker": {"event": "peer_state", "seat": "b1", "state": "connected"}})
    room.show("b1")
    room.stimulate({"drop": "b1"})

    welcome = room.say("b1", type="join", resume="resume:b1")[0]

    assert (welcome["media"], room.person("b1").shows) == ("kept", "document")
    assert room.say("b1", type="show_document") == []  # said again after each welcome


def test_after_a_restart_of_ours_it_goes_on_and_is_noted_once() -> None:
    sending = frozenset(DOCUMENT.values())
    peers = [StandingPeer(seat, 1001, "connected", sources=sending, speaks=seat == "c1") for seat in ("b1", "c1")]
    restarted = Room(joined=False)
    media.adopt(restarted.session, ROOM, peers, restarted.now)

    welcome, speaking = restarted.say("b1", type="join", resume="resume:b1")

    shows = {one["seat"]: one.get("shows") for one in welcome["people"]}
    assert (welcome["media"], shows["b1"], shows["c1"]) == ("kept", "document", None)  # one thing in a room
    assert speaking == {"type": "speaking", "seats": ["c1"]}
    assert restarted.say("b1", type="show_document") == []
    assert restarted.noted() == []
    restarted.say("b1", type="stop_showing")
    assert restarted.noted() == [("showing_ended", "b1")]


def test_what_was_put_away_is_not_taken_up_when_the_worker_is_seen_again(room: Room) -> None:
    room.show("b1")
    room.say("b1", type="stop_showing")  # the offer without it is still on its way
    room.stimulate({"drop": "b1"})

    still = StandingPeer("b1", 1001, "connected", sources=frozenset(DOCUMENT.values()))
    media.adopt(room.session, ROOM, [still], room.now)

    assert room.person("b1").shows == ""
    assert room.noted() == [("page_shown", "b1"), ("showing_ended", "b1")]


def test_after_a_restart_of_ours_a_document_does_not_come_along_and_a_face_does() -> None:
    for sources, moved in ((FACE, MoveMedia), (DOCUMENT, LeaveMedia)):
        restarted = Room(joined=False)
        standing = StandingPeer("b1", 1001, "connected", sources=frozenset(sources.values()))
        media.adopt(restarted.session, ROOM, [standing], restarted.now)
        restarted.say("a1", type="join", token="seat:a1")
        restarted.say("b1", type="join", resume="resume:b1")

        restarted.say("a1", type="caucus", seats=["b1"])

        assert [type(ask.request) for ask in restarted.asked if ask.request.seat == "b1"] == [moved]


def test_an_offer_that_may_not_show_asks_nothing_of_the_worker(room: Room) -> None:
    room.show("b1")

    for seat in ("c1", "d1"):
        heard = room.offer(seat, DOCUMENT, 2)

        assert [(line["code"], line["rid"]) for line in heard] == [("not_allowed", "offer")]
        assert room.asked == []


def test_who_has_no_media_shows_nothing(room: Room) -> None:
    room.stimulate({"drop": "b1"})
    room.say("b1", type="join", token="seat:b1", media=False)

    assert [line["code"] for line in room.say("b1", type="show_document")] == ["not_allowed"]
