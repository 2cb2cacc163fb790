"""What the media worker says: answers to our requests, and its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from server.sessions.core import SeatState
from server.signaling.messages import Answer, ErrorCode, Layers, Quality, Rejoin, Slot, Slots
from server.signaling.room import showing, voices
from server.signaling.room.caucus import seat_there
from server.signaling.room.effects import (
    Answered,
    Ask,
    Effect,
    JoinMedia,
    LeaveMedia,
    Log,
    Outcome,
    PauseMedia,
    Refused,
    Say,
)
from server.signaling.room.leading import set_silenced, show_removed, show_waiting
from server.signaling.room.own import refuse
from server.signaling.room.people import Peer
from server.signaling.room.quality import held_losses, judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.mediaplane.facts import Measured, SlotFacts, StandingPeer
    from server.signaling.room.people import Person
    from server.signaling.room.session import Session

FORGED: Final = "certificate"  # why a peer is gone (media/CONTROL.md, peer_state): staff shall see that
# What a page can do something about; all else means that the worker is being replaced, and the page tries again by itself.
_TOLD: dict[str, ErrorCode] = {
    "bad_offer": "bad_offer",
    "bad_request": "bad_offer",
    "unsupported": "bad_offer",
    "room_full": "room_full",
}


def on_join_outcome(session: Session, ask: Ask, request: JoinMedia, outcome: Outcome, now: datetime) -> list[Effect]:
    """The worker answered an offer, or refused it and changed nothing."""
    person = session.people[request.seat]
    offered = person.offered if person.offered and person.offered.number == request.number else None
    if isinstance(outcome, Refused):
        if offered:
            person.offered = None
        # a newer line of the seat has made its own peer: this page has been told `replaced`
        return (
            []
            if outcome.code == "stale_connection"
            else refuse(ask.line, _TOLD.get(outcome.code, "service_away"), ask.rid)
        )
    assert isinstance(outcome, Answered)
    is_elsewhere = ask.room != person.facts.room
    if person.state is not SeatState.ADMITTED or is_elsewhere or (person.line is None and person.away_since is None):
        return [Ask(ask.room, LeaveMedia(person.seat, request.number, "left"))]
    before = person.word()
    if offered:
        person.peer, person.offered = offered, None
    elif person.peer is None or person.peer.number != request.number:
        return []
    peer = person.peer
    peer.peer, peer.revision, peer.slots = request.peer, request.revision, outcome.slots
    # a new worker knows of no silencing: asked before the page can send anything
    unheard = sorted(person.silenced | person.stopped)
    effects: list[Effect] = [Ask(ask.room, PauseMedia(person.seat, source, True)) for source in unheard]
    if person.line is not None and person.line == ask.line:
        answer = Answer(
            peer=request.peer, revision=request.revision, sdp=outcome.sdp, slots=list(outcome.slots), rid=ask.rid
        )
        effects.append(Say(person.line, answer))
    return effects if person.word() == before else [*effects, *session.tell(person)]


def on_leave_outcome(session: Session, ask: Ask, request: LeaveMedia, outcome: Outcome, now: datetime) -> list[Effect]:
    """Sending has stopped: by the worker's word, or because the worker itself is gone."""
    person = session.people[request.seat]
    if request.reason == "moving":
        return seat_there(session, person, person.going or session.joint, kept=False)
    shown = {"removed": show_removed, "waiting": show_waiting}.get(request.reason)
    return shown(session, person) if shown else []


def on_pause_outcome(session: Session, ask: Ask, request: PauseMedia, outcome: Outcome, now: datetime) -> list[Effect]:
    """Nothing of the stream is forwarded from now on (or again)."""
    person = session.people[request.seat]
    unknown = isinstance(outcome, Refused) and outcome.code == "unknown_seat"  # not sending now; paused when he does
    if isinstance(outcome, Refused) and not unknown:
        return refuse(ask.line, "service_away", ask.rid)
    if request.paused and request.source in person.stopped:
        return []
    return set_silenced(session, person, request.source, request.paused)


def on_peer_state(
    session: Session, seat: str, number: int, state: str, cause: str | None, now: datetime
) -> list[Effect]:
    """A peer came up, went silent, came back or is gone. Words about a peer that was replaced mean nothing."""
    person = session.people.get(seat)
    peer = _peer(person, number)
    if person is None or peer is None:
        return []
    before = person.word()
    again: list[Effect] = []
    if state == "gone":
        if peer is person.peer:
            person.peer = None
            again = _make_again(session, person, cause)
    else:
        peer.phase = state  # type: ignore[assignment]  # the worker's words are ours
    if cause == FORGED:
        again.append(Log("media_refused", seat, {"cause": cause}))
    if person.word() == before:
        return again
    log = Log(f"media_{state}", seat, {"cause": cause} if cause else {})
    return [*again, *session.tell(person), log]


def _make_again(session: Session, person: Person, cause: str | None) -> list[Effect]:
    """The path of somebody who is still here is dead, and the page may not know: it is told to make a new one."""
    if cause not in ("consent", "dtls", FORGED) or not person.is_seated or person.line is None:
        return []
    return [Say(person.line, Rejoin(why="media_lost")), *voices.tell_again(session, person)]


def on_slots(
    session: Session, seat: str, number: int, short: int, slots: tuple[Slot, ...], now: datetime
) -> list[Effect]:
    """Who is in which slot of one person's peer."""
    person = session.people.get(seat)
    peer = _peer(person, number)
    if person is None or peer is None:
        return []
    peer.slots, peer.short = slots, short
    if not person.is_seated or person.line is None or peer is not person.peer:
        return []
    return [Say(person.line, Slots(short=short, slots=list(slots)))]


def on_layers(session: Session, seat: str, number: int, source: str, send: tuple[str, ...]) -> list[Effect]:
    """What one person's page need not send. Lost with its line, it is said again by the worker."""
    person = session.people.get(seat)
    peer = _peer(person, number)
    if person is None or peer is None or not person.is_seated or person.line is None or peer is not person.peer:
        return []
    return [Say(person.line, Layers(peer=peer.peer, source=source, send=list(send)))]


def on_measured(session: Session, room: str, lines: Mapping[str, Measured], now: datetime) -> list[Effect]:
    """Every two seconds: a word for each line, to staff only."""
    people = {}
    for seat, measured in lines.items():
        if person := session.people.get(seat):
            people[seat] = judge(measured, person.report)
            person.losses = held_losses(person.losses, measured)
    if not people:
        return []
    message = Quality(people=people)
    return [Say(person.line, message) for person in session.seated(room) if person.is_staff and person.line is not None]


def adopt(session: Session, room: str, peers: list[StandingPeer], now: datetime) -> list[Effect]:
    """We were restarted while people talked, or lost sight of the worker: take its peers as they stand, expect lines back."""
    standing = {peer.seat: peer for peer in peers if peer.phase != "gone"}
    effects: list[Effect] = []
    for person in session.in_room(room):
        before = person.word()
        peer = standing.pop(person.seat, None)
        if person.state is SeatState.ADMITTED:
            _take_peer(session, person, peer, now)
        elif peer is not None:  # turned away while we were gone
            reason = "waiting" if person.state is SeatState.WAITING else "removed"
            effects.append(Ask(room, LeaveMedia(person.seat, peer.number, reason)))
        if person.word() != before:
            effects += session.tell(person)
    # of people who are in another room by now: whoever is not shown here hears nothing of it
    effects += [Ask(room, LeaveMedia(peer.seat, peer.number, "left")) for peer in standing.values()]
    return [*effects, *voices.on_speaking(session, room, tuple(peer.seat for peer in peers if peer.speaks))]


def _take_peer(session: Session, person: Person, standing: StandingPeer | None, now: datetime) -> None:
    person.peer = person.offered = None
    if standing is None:
        return
    phase = standing.phase if standing.phase in ("connected", "reconnecting") else "connecting"
    slots = tuple(slot_message(slot) for slot in standing.slots)
    person.peer = Peer(standing.number, None, 0, phase, slots, standing.short)  # type: ignore[arg-type]
    showing.take_up(session, person, standing.sources, standing.silenced)
    person.last_number = max(person.last_number, standing.number)
    person.silenced |= standing.silenced
    if person.line is None:
        person.away_since = now


def slot_message(slot: SlotFacts) -> Slot:
    """A slot of the media plane as the page hears of it."""
    return Slot(slot=slot.slot, audio_mid=slot.audio_mid, video_mid=slot.video_mid, seat=slot.seat, source=slot.source)


def _peer(person: Person | None, number: int) -> Peer | None:
    if person is None:
        return None
    return next((peer for peer in (person.peer, person.offered) if peer is not None and peer.number == number), None)
