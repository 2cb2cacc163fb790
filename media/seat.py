"""One person's place in a room: his peer, his slots, and what is told about him.

A seat outlives its peer's phases, not its peer: a higher connection number makes a new seat in the old one's place, which
inherits its presence, so that nobody's picture jumps while a page is reloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from media.control.messages import Join, SeatQuality, SeatSummary, SlotState, UpMid, UpPhase, UpSummary
from media.core.quality import Quality
from media.core.resting import Resting
from media.core.rtp import AUDIO_LEVEL
from media.core.slots import Occupant, Slot, make_slots, shown_source
from media.core.speaking import Speech
from media.engine import Engine
from media.forward.path import DownStream, UpStream
from media.net.answer import Negotiated, Role
from media.peer import Cause, Peer, Phase


class Host(Protocol):
    """The room that a seat stands in."""

    def on_phase(self, seat: Seat, phase: Phase, cause: Cause | None, now: float) -> None: ...

    def on_up_started(self, seat: Seat, up: UpStream, line: Negotiated) -> None: ...

    def on_up_phase(self, seat: Seat, line: Negotiated, phase: UpPhase) -> None: ...

    def on_key_frame(self, seat: Seat, up: UpStream) -> None: ...

    def on_reached(self, seat: Seat, now: float) -> None: ...

    def is_paused(self, seat: Seat, source: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Half:
    """One line of a slot: where it is sent, and what the subscriber can take there."""

    down: DownStream
    line: Negotiated


class Seat:
    """See the module. `host` changes when the seat moves to another room."""

    def __init__(self, host: Host, engine: Engine, request: Join, now: float) -> None:
        self.host = host
        self.name = request.seat
        self.connection = request.connection
        self.label = dict(request.label)
        self.peer = Peer(engine, self, now)
        self.adapting = self.peer.adapting
        self.here_since = now  # in this room: he is shown nothing of before
        self.present = False  # seen by others: connected once, and not gone
        self.table: tuple[Slot, ...] = ()
        self.short = 0
        self.report_at = now
        self.quality: SeatQuality | None = None
        self.speech = Speech(now)
        self.resting: dict[tuple[str, tuple[str, ...]], Resting] = {}  # by mid and rids
        self._up_phases: dict[str, UpPhase] = {}
        self._streams_at = 0.0  # none of his streams can fall silent before
        self._halves: dict[tuple[int | None, str], Half] = {}  # by slot and kind

    # --- what the peer tells ----------------------------------------------------------------------------------------

    def on_phase(self, phase: Phase, cause: Cause | None, now: float) -> None:
        self.host.on_phase(self, phase, cause, now)

    def on_up_started(self, up: UpStream, line: Negotiated, now: float) -> None:
        up.level_ident, up.shape = line.extensions.get(AUDIO_LEVEL, 0), None
        self.host.on_up_started(self, up, line)
        self.set_up_phase(line, "paused" if up.paused else "started")

    def on_up_ended(self, up: UpStream, line: Negotiated) -> None:
        self._streams_at = 0.0
        if not self.peer.layers_of(line):
            self.set_up_phase(line, "stopped")
            self._up_phases.pop(line.source or "", None)

    def on_key_frame(self, up: UpStream) -> None:
        self.host.on_key_frame(self, up)

    def on_reached(self, now: float) -> None:
        self.host.on_reached(self, now)

    def set_up_phase(self, line: Negotiated, phase: UpPhase) -> None:
        """Tell it if it is new."""
        self._streams_at = 0.0
        source = line.source or ""
        if self._up_phases.get(source) != phase:
            self._up_phases[source] = phase
            self.host.on_up_phase(self, line, phase)

    def watch_streams(self, silent_s: float, now: float) -> None:
        """On a timer: a stream that brings nothing while the line is well."""
        if self.peer.phase is not Phase.CONNECTED or now < self._streams_at:
            return
        silent_at = float("inf")
        for line in self.up_lines():
            layers = self.peer.layers_of(line)
            if layers and not layers[0].paused:
                last_at = max(up.last_at for up in layers)
                self.set_up_phase(line, "silent" if now - last_at >= silent_s else "started")
                silent_at = min(silent_at, last_at + silent_s)
        self._streams_at = silent_at

    # --- what the seat sends and shows ------------------------------------------------------------------------------

    def up_lines(self) -> Iterator[Negotiated]:
        return (line for line in self.peer.lines if line.role is Role.UP)

    def sources(self) -> list[str]:
        return [line.source or "" for line in self.up_lines()]

    def up_of(self, source: str) -> tuple[list[UpStream], Negotiated] | None:
        """What shows `source`, once its first packet has come: its layers from small to large, mostly one."""
        for line in self.up_lines():
            if line.source == source and (layers := self.peer.layers_of(line)):
                return layers, line
        return None

    def renew_table(self) -> None:
        """Fit the table of slots to the lines of the last offer; who is shown stays shown."""
        down = [line for line in self.peer.lines if line.role is Role.DOWN]
        self._halves = {(line.slot, line.kind): Half(self.peer.downs_by_mid[line.mid], line) for line in reversed(down)}
        audio = sum(line.kind == "audio" for line in down)
        self._streams_at = 0.0
        self.table = make_slots(audio, len(down) - audio, self.table)

    def half(self, slot: int, kind: str) -> Half | None:
        return self._halves.get((slot, kind))

    # --- what is told about it --------------------------------------------------------------------------------------

    def slot_states(self, others: Mapping[str, Seat]) -> list[SlotState]:
        """Who is in which slot, for the reply of `join` and the event `slots`."""
        return [self._slot_state(slot, others) for slot in self.table]

    def _slot_state(self, slot: Slot, others: Mapping[str, Seat]) -> SlotState:
        audio, video = self.half(slot.index, "audio"), self.half(slot.index, "video")
        return SlotState(
            slot=slot.index,
            audio_mid=audio.line.mid if audio else None,
            video_mid=video.line.mid if video else None,
            seat=slot.occupant.seat if slot.occupant else None,
            source=_shown(slot.occupant, others) if slot.occupant else None,
        )

    def up_mids(self) -> list[UpMid]:
        return [UpMid(mid=line.mid, source=line.source or "", kind=_kind(line)) for line in self.up_lines()]

    def summary(self, seats: Mapping[str, Seat]) -> SeatSummary:
        up = [
            UpSummary(source=line.source or "", kind=_kind(line), paused=self.host.is_paused(self, line.source or ""))
            for line in self.up_lines()
        ]
        return SeatSummary(
            seat=self.name,
            connection=self.connection,
            state=self.peer.phase.value,
            up=up,
            slots=self.slot_states(seats),
            short=self.short,
            speaks=self.speech.speaks,
        )

    def take_quality(self, now: float) -> SeatQuality:
        """Close the window of the line's figures."""
        self.quality = _as_message(self.peer.take_quality(now), measured=self.peer.quality.rtt_s > 0)
        return self.quality


def _shown(occupant: Occupant, others: Mapping[str, Seat]) -> str:
    seat = others.get(occupant.seat)
    return shown_source(occupant, seat.sources() if seat else ())


def _kind(line: Negotiated) -> Any:
    return line.kind


def _as_message(quality: Quality, measured: bool) -> SeatQuality:
    return SeatQuality(
        loss_up=quality.loss_up,
        loss_down=quality.loss_down,
        rtt_ms=quality.rtt_ms if measured else None,
        up_bps=quality.up_bps,
        down_bps=quality.down_bps,
        jitter_ms=quality.jitter_ms,
        silent_s=quality.silent_s,
    )
