"""What the rest of the server asks of a room's worker. Each raises WorkerRefused and WorkerAway (server/mediaplane/link.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from media.control.messages import (
    AnyEvent,
    Join,
    Joined,
    Layers,
    Leave,
    Move,
    Note,
    Pause,
    PeerState,
    Quality,
    Record,
    RecordState,
    RecordStatus,
    RoomSummary,
    Sealed,
    SetRecord,
    Slots,
    SlotState,
    Speaking,
)
from server.mediaplane.facts import JoinedFacts, JournalPlace, Measured, RecordFacts, SlotFacts, StandingPeer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.mediaplane.hold import RoomListener
    from server.mediaplane.plane import MediaPlane


async def join(
    plane: MediaPlane,
    room: str,
    seat: str,
    number: int,
    offer: str,
    sources: Mapping[str, str],
    label: Mapping[str, str],
) -> JoinedFacts:
    """Give a seat a peer, or renegotiate with the one that has this number."""

    def make(request: int, epoch: int) -> Join:
        return Join(
            id=request,
            room=room,
            epoch=epoch,
            seat=seat,
            connection=number,
            offer=offer,
            sources=dict(sources),
            label=dict(label),
        )

    joined = await plane.ask(room, make)
    assert isinstance(joined, Joined)
    return JoinedFacts(joined.answer, _slots(joined.slots))


async def leave(plane: MediaPlane, room: str, seat: str, number: int, reason: str) -> None:
    """Take a seat's peer away; when this returns nothing is sent to it any more."""
    await plane.ask(
        room,
        lambda request, epoch: Leave(id=request, room=room, epoch=epoch, seat=seat, connection=number, reason=reason),
    )


async def move(plane: MediaPlane, room: str, seat: str, to_room: str) -> None:
    """Take a seat's peer into another room of the session; when this returns nothing of the old room is sent to it any more."""
    to_epoch = await plane.epoch_of(to_room)
    await plane.ask(
        room,
        lambda request, epoch: Move(id=request, room=room, epoch=epoch, seat=seat, to_room=to_room, to_epoch=to_epoch),
    )


async def pause(plane: MediaPlane, room: str, seat: str, source: str, paused: bool) -> None:
    """Stop or resume forwarding one stream."""
    await plane.ask(
        room, lambda request, epoch: Pause(id=request, room=room, epoch=epoch, seat=seat, source=source, paused=paused)
    )


async def record(plane: MediaPlane, room: str, place: JournalPlace | None, reason: str) -> RecordFacts | None:
    """Begin to record an open room, or stop; what its journal is now."""
    sealed = await plane.ask(
        room,
        lambda request, epoch: SetRecord(
            id=request, room=room, epoch=epoch, record=record_message(place), reason=reason
        ),
    )
    assert isinstance(sealed, Sealed)
    return record_facts(sealed.record)


async def note(plane: MediaPlane, room: str, kind: str, seat: str | None, data: dict[str, Any]) -> None:
    """Write a session event into the room's journal; it is on disk when this returns."""
    await plane.ask(
        room, lambda request, epoch: Note(id=request, room=room, epoch=epoch, kind=kind, seat=seat, data=data)
    )


# ---------------------------------------------------------------- between the control messages and our words


def hand_over(listener: RoomListener, event: AnyEvent) -> None:
    """Tell the listener of a room what its worker says. `up_state` says nothing that people are shown, `room_closed` is the plane's."""
    match event:
        case PeerState():
            listener.peer_changed(event.room, event.seat, event.connection, event.state, event.cause)
        case Slots():
            listener.slots_changed(event.room, event.seat, event.connection, event.short, _slots(event.slots))
        case Layers():
            listener.layers_wanted(event.room, event.seat, event.connection, event.source, tuple(event.send))
        case Speaking():
            listener.voices_heard(event.room, tuple(event.seats))
        case Quality():
            listener.lines_measured(
                event.room,
                {
                    seat: Measured(line.loss_up, line.loss_down, line.rtt_ms, line.up_bps, line.silent_s)
                    for seat, line in event.seats.items()
                },
            )
        case RecordState():
            listener.record_changed(event.room, RecordFacts(event.state, event.cause))
        case _:
            pass


def record_facts(status: RecordStatus | None) -> RecordFacts | None:
    return RecordFacts(status.state, status.cause) if status else None


def record_message(place: JournalPlace | None) -> Record | None:
    return Record(journal=str(place.path), key=place.key, facts=place.facts) if place else None


def standing_peers(summary: RoomSummary) -> list[StandingPeer]:
    return [
        StandingPeer(
            seat.seat,
            seat.connection,
            seat.state,
            frozenset(up.source for up in seat.up if up.paused),
            _slots(seat.slots),
            seat.short,
            frozenset(up.source for up in seat.up),
            seat.speaks,
        )
        for seat in summary.seats
    ]


def _slots(slots: list[SlotState]) -> tuple[SlotFacts, ...]:
    return tuple(SlotFacts(slot.slot, slot.audio_mid, slot.video_mid, slot.seat, slot.source) for slot in slots)
