"""A room: who sits in it, who is shown to whom, what of it is recorded.

Everything here happens between two packets, without awaiting: no packet ever meets a half-changed room. What must wait for a
disk (note, seal, close) is awaited by the worker through `recorder`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from media.adapting import Offered
from media.coming import ask_ahead, come_back, cut_off
from media.control.codec import BadMessage
from media.control.messages import (
    AnyEvent,
    Join,
    OpenRoom,
    PeerState,
    Quality,
    RecordState,
    RoomStats,
    RoomSummary,
    Slots,
    UpPhase,
    UpState,
)
from media.core.slots import EXTRA_PICTURES, VOICE, Occupant, Slot, assign_slots, occupants
from media.engine import Engine
from media.forward.path import UpStream
from media.granting import grant
from media.hearing import Hearing
from media.leaving_out import leave_out, note_rate
from media.net.answer import FILMED_CODECS, VIDEO_CODECS, Negotiated, pt_table
from media.net.sdp import SdpError
from media.peer import Cause, Phase
from media.recorder import Recorder
from media.seat import Half, Seat
from media.taps import end_taps, go_over, record_layers, record_lines, record_started
from media.uplines import begin_line

# What the journal calls the phases of a peer.
PHASE_EVENTS = {
    Phase.CONNECTING: "connecting",
    Phase.CONNECTED: "connected",
    Phase.RECONNECTING: "reconnecting",
    Phase.GONE: "gone",
}


class Room:
    """See the module. `tell` takes events for the controllers."""

    def __init__(self, engine: Engine, tell: Callable[[AnyEvent], None], opened: OpenRoom) -> None:
        self.name = opened.room
        self.session = opened.session
        self.epoch = opened.epoch
        self.capacity = opened.capacity
        self.recorder: Recorder | None = None
        self.seats: dict[str, Seat] = {}  # in order of arrival
        self._engine = engine
        self._tell = tell
        self._paused: set[tuple[str, str]] = set()
        self._connections: dict[str, int] = {}  # highest seen, so that a late message of an old page is refused
        self._closing = False
        self._hearing = Hearing()

    # --- coming and going -------------------------------------------------------------------------------------------

    def join(self, request: Join, now: float) -> tuple[Seat, str]:
        """Give a seat a peer, or renegotiate with the one it has. Returns the seat and the SDP answer.

        Raises   BadMessage (stale_connection, room_full, bad_offer); then nothing has changed.
        """
        name = request.seat
        self.check_connection(name, request.connection)
        old = self.seats.get(name)
        if old is None and len(self.seats) >= self.capacity:
            raise BadMessage("room_full", f"room {self.name} has {self.capacity} seats")
        same = old is not None and old.connection == request.connection
        seat = old if old is not None and same else Seat(self, self._engine, request, now)
        try:
            pictures = FILMED_CODECS if self.recorder else VIDEO_CODECS
            answer = seat.peer.answer(request.offer, request.sources, now, pictures)
        except SdpError as error:
            if not same:
                seat.peer.discard()
            raise BadMessage("bad_offer", str(error)) from error
        self._connections[name] = request.connection
        if not same:
            self._take_place(seat, old, now)
        seat.renew_table()
        self._reseat(quietly=seat)
        return seat, answer

    def check_connection(self, name: str, connection: int) -> None:
        highest = self._connections.get(name, -1)
        if connection < highest:
            raise BadMessage("stale_connection", f"seat {name} is at connection {highest}")

    def _take_place(self, seat: Seat, old: Seat | None, now: float) -> None:
        self.seats[seat.name] = seat  # keeps the old one's place in the order of arrival
        if old is not None:
            seat.present = old.present
            old.peer.close("replaced", now)
        self._record("joined", seat, {"connection": seat.connection, "label": seat.label})
        self.on_phase(seat, Phase.CONNECTING, None, now)

    def leave(self, name: str, cause: Cause, reason: str, now: float) -> bool:
        """End a seat's peer; sending has stopped when this returns. False: there is no such seat."""
        seat = self.seats.get(name)
        if seat is None:
            return False
        self._record("left", seat, {"connection": seat.connection, "reason": reason})
        seat.peer.close(cause, now)
        return True

    def close(self, now: float) -> None:
        """End all peers. The journal is closed by the worker afterwards."""
        self._closing = True
        for seat in list(self.seats.values()):
            seat.peer.close("room_closed", now)

    def give(self, name: str, to: Room) -> None:
        """Move a seat with its peer into another room, without one packet of either reaching the other.

        Raises   BadMessage (unknown_seat, bad_request, room_full).
        """
        seat = self.seats.get(name)
        if seat is None:
            raise BadMessage("unknown_seat", f"no seat {name} in room {self.name}")
        if name in to.seats:
            raise BadMessage("bad_request", f"to_room: seat {name} is there already")
        if len(to.seats) >= to.capacity:
            raise BadMessage("room_full", f"room {to.name} has {to.capacity} seats")
        to.check_connection(name, seat.connection)
        self._record("moved_out", seat, {"to": to.name})
        del self.seats[name]
        end_taps(seat.peer.ups)
        cut_off(self._engine.path, seat)
        self._reseat()
        to._take_in(seat, {key for key in self._paused if key[0] == name}, self.name)

    def _take_in(self, seat: Seat, paused: set[tuple[str, str]], origin: str) -> None:
        seat.host, seat.here_since = self, time.monotonic()
        self.seats[seat.name] = seat
        self._connections[seat.name] = seat.connection
        self._paused |= paused
        before, seat.table = seat.table, ()
        seat.renew_table()
        seat.speech.hush()
        self._record("moved_in", seat, {"from": origin, "label": seat.label})
        record_lines(self.recorder, seat, time.monotonic())
        self._reseat(changed=seat if any(slot.occupant for slot in before) else None)

    # --- what seats tell --------------------------------------------------------------------------------------------

    def on_phase(self, seat: Seat, phase: Phase, cause: Cause | None, now: float) -> None:
        event = PeerState(
            at=time.time(), room=self.name, seat=seat.name, connection=seat.connection, state=phase.value, cause=cause
        )
        self._tell(event)
        if phase is not Phase.CONNECTING:
            self._record(PHASE_EVENTS[phase], seat, {"connection": seat.connection, "cause": cause})
        if self.seats.get(seat.name) is not seat:  # replaced: its successor has the place
            return
        if phase is Phase.CONNECTED and not seat.present:
            seat.present = True
            self._reseat()
        elif phase is Phase.CONNECTED:
            self._wire_all()
            come_back(self._engine.feedback, seat, now)
        elif phase is Phase.GONE:
            del self.seats[seat.name]
            if not self._closing:
                self._reseat()

    def on_up_started(self, seat: Seat, up: UpStream, line: Negotiated) -> None:
        if self.is_paused(seat, line.source or ""):
            self._engine.path.pause(up, True)
        record_started(self.recorder, self._engine.feedback, seat, up, time.monotonic())
        self._wire_all()

    def on_key_frame(self, seat: Seat, up: UpStream) -> None:
        if self.recorder is not None:
            go_over(self.recorder, seat, up, time.monotonic())

    def on_reached(self, seat: Seat, now: float) -> None:
        begin_line(self._engine.path, seat.peer.lane)
        ask_ahead(self._engine.feedback, seat, self._wanted, now)

    def on_up_phase(self, seat: Seat, line: Negotiated, phase: UpPhase) -> None:
        kind: Any = line.kind
        self._tell(
            UpState(at=time.time(), room=self.name, seat=seat.name, source=line.source or "", kind=kind, state=phase)
        )

    # --- pause ------------------------------------------------------------------------------------------------------

    def is_paused(self, seat: Seat, source: str) -> bool:
        return (seat.name, source) in self._paused

    def pause(self, name: str, source: str, paused: bool) -> None:
        """Raises BadMessage unknown_seat. A source that the seat does not send (yet) is remembered."""
        seat = self.seats.get(name)
        if seat is None:
            raise BadMessage("unknown_seat", f"no seat {name} in room {self.name}")
        if self.is_paused(seat, source) == paused:
            return
        (self._paused.add if paused else self._paused.discard)((name, source))
        self._record("paused" if paused else "resumed", seat, {"source": source})
        found = seat.up_of(source)
        if found is not None:
            layers, line = found
            for up in layers:
                if up.tap is not None:
                    up.tap.pause(paused)
                self._engine.path.pause(up, paused)
            seat.set_up_phase(line, "paused" if paused else "started")
        if source == VOICE:
            seat.speech.hush()

    # --- slots ------------------------------------------------------------------------------------------------------

    def _reseat(self, quietly: Seat | None = None, changed: Seat | None = None) -> None:
        """Seat everybody who is present in everybody else's slots; tell those whose slots changed.

        quietly  is told by the reply to its `join` instead.   changed  is told in any case.
        """
        for seat in self.seats.values():
            present = occupants(
                (s.name, source) for s in self.seats.values() if s.present and s is not seat for source in s.sources()
            )
            assignment = assign_slots(seat.table, present)
            before, seat.table = (_shown(seat.table), seat.short), assignment.slots
            seat.short = assignment.short
            if seat is not quietly and (seat is changed or before != (_shown(seat.table), seat.short)):
                self.tell_slots(seat)
        self._wire_all()

    def tell_slots(self, seat: Seat) -> None:
        self._tell(
            Slots(
                at=time.time(),
                room=self.name,
                seat=seat.name,
                connection=seat.connection,
                short=seat.short,
                slots=seat.slot_states(self.seats),
            )
        )

    def _wire_all(self) -> None:
        now = time.monotonic()
        for seat in self.seats.values():
            self._wire_seat(seat, now)

    def _wire_seat(self, seat: Seat, now: float) -> None:
        if seat.peer.phase in (Phase.CONNECTED, Phase.RECONNECTING):
            for slot in seat.table:
                self._wire(seat, seat.half(slot.index, "audio"), self._wanted(slot.occupant, "audio"), now)
                self._wire(seat, seat.half(slot.index, "video"), self._wanted(slot.occupant, "video"), now)

    def _wanted(self, occupant: Occupant | None, kind: str) -> tuple[list[UpStream], Negotiated] | None:
        """The streams (layers) that belong into this half of the occupant's slot, if they have begun."""
        seat = self.seats.get(occupant.seat) if occupant is not None else None
        if seat is None or occupant is None:
            return None
        if kind == "video":
            return seat.up_of(occupant.source)
        return None if occupant.source in EXTRA_PICTURES else seat.up_of(VOICE)

    def _wire(
        self, seat: Seat, half: Half | None, wanted: tuple[list[UpStream], Negotiated] | None, now: float
    ) -> None:
        if half is None:
            return
        down, path = half.down, self._engine.path
        layers = [up for up in wanted[0] if up.codec in half.line.pts] if wanted else []
        up = seat.adapting.pick(down, layers, now) if down.kind == "video" else next(iter(layers), None)
        if wanted is None or up is None:
            path.disconnect(down)
        elif down.up in layers and len(layers) > 1:
            if up is not (down.next_up or down.up):
                path.switch(up, down)
        elif down.up is not up:
            path.disconnect(down)
            down.pt = pt_table(wanted[1].pts, half.line.pts)
            down.rtx_pt = half.line.rtx_pts.get(up.codec, 0)
            begin, adapting = self._engine.beginnings.begin, seat.adapting
            if adapting.estimate.is_scarce(now) or not begin(adapting, up, down, seat.here_since, now):
                path.connect(up, down)

    def _adapt(self, seat: Seat, now: float) -> None:
        """Choose the layers of his pictures anew, by what his line can take."""
        pictures: list[Offered] = []
        halves = [(seat.half(slot.index, "video"), self._wanted(slot.occupant, "video")) for slot in seat.table]
        for slot, (half, wanted) in zip(seat.table, halves, strict=True):
            if half is not None and wanted is not None and slot.occupant is not None:
                layers = [up for up in wanted[0] if up.codec in half.line.pts and not up.paused]
                spoke_at = self.seats[slot.occupant.seat].speech.spoke_at
                pictures.append(Offered(half.down, layers, slot.occupant.source in EXTRA_PICTURES, spoke_at))
        seat.adapting.look(list(seat.peer.downs.values()), pictures, now)
        if seat.peer.phase in (Phase.CONNECTED, Phase.RECONNECTING):
            for half, wanted in halves:
                self._wire(seat, half, wanted, now)

    # --- record -----------------------------------------------------------------------------------------------------

    def _record(self, kind: str, seat: Seat | None, data: dict[str, Any]) -> None:
        if self.recorder is not None:
            self.recorder.event(kind, seat.name if seat else None, data)

    def begin_recording(self, recorder: Recorder) -> None:
        """Everybody and everything that is here goes into the journal from now on."""
        self.recorder = recorder
        for seat in self.seats.values():
            self._record("joined", seat, {"connection": seat.connection, "label": seat.label})
            record_lines(self.recorder, seat, time.monotonic())

    def end_streams(self) -> None:
        """Nothing more is recorded; the ledgers are closed."""
        for seat in self.seats.values():
            end_taps(seat.peer.ups)

    def on_record_failed(self) -> None:
        """The journal is dead: say so; nothing later is taken for recorded."""
        for seat in self.seats.values():
            for up in seat.peer.ups:
                up.tap = None
        self.tell_record()

    def tell_record(self) -> None:
        if self.recorder is not None:
            status = self.recorder.status
            self._tell(
                RecordState(
                    at=time.time(),
                    room=self.name,
                    state=status.state,
                    head=status.head,
                    block=status.block,
                    cause=status.cause,
                )
            )

    # --- on timers --------------------------------------------------------------------------------------------------

    def watch(self, seat: Seat, now: float) -> None:
        """Consent, silent streams, layers, RTCP reports of one seat. One that is not here any more is passed over."""
        if self.seats.get(seat.name) is not seat:
            return
        timing = self._engine.timing
        seat.peer.watch(now)
        seat.watch_streams(timing.silent_s, now)
        for event in self._hearing.look(self.name, seat, self.seats.values(), now):
            self._tell(event)
        if seat.adapting.is_due(now):
            self._look_at_layers(seat, now)
        if now >= seat.report_at and seat.peer.phase in (Phase.CONNECTED, Phase.RECONNECTING):
            seat.report_at = max(seat.report_at, now - timing.report_s / 2) + timing.report_s
            self._engine.feedback.report(seat.peer, now)

    def _look_at_layers(self, seat: Seat, now: float) -> None:
        for up in seat.peer.ups:
            note_rate(up, now)
        if self.recorder is not None:
            record_layers(self._engine.feedback, seat, now)
        self._adapt(seat, now)
        grant(seat, self.seats.values(), recorded=self.recorder is not None)
        rest_after_s = self._engine.timing.rest_after_s
        for event in leave_out(self.name, seat, self.recorder is not None, rest_after_s, now):
            self._tell(event)

    def tell_quality(self, now: float) -> None:
        """The event `quality`, if anybody is connected."""
        seats = {seat.name: seat.take_quality(now) for seat in self.seats.values() if seat.present}
        if seats:
            self._tell(Quality(at=time.time(), room=self.name, seats=seats))

    def stats(self) -> RoomStats:
        return RoomStats(seats={seat.name: seat.quality for seat in self.seats.values() if seat.quality is not None})

    def summary(self) -> RoomSummary:
        return RoomSummary(
            room=self.name,
            session=self.session,
            epoch=self.epoch,
            record=self.recorder.status if self.recorder else None,
            seats=[seat.summary(self.seats) for seat in self.seats.values()],
        )


def _shown(table: tuple[Slot, ...]) -> list[Occupant | None]:
    return [slot.occupant for slot in table]
