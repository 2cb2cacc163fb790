"""What to make, and the part of the journal that is shown. The spec is described in EVIDENCE.md, section 6."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.record.films.tape import Event, Tape
from media.record.redaction import LATE_US, Zone, zones_of

PERSON, COMPOSED = "person", "composed"


class BadSpec(ValueError):
    """The message names the field."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What to make. from_us and to_us are unix microseconds that cut the film; None: the whole journal."""

    journals: tuple[Path, ...]
    key: bytes
    output: Path
    kinds: tuple[str, ...] = (PERSON, COMPOSED)
    from_us: int | None = None
    to_us: int | None = None
    people: dict[str, dict[str, str]] | None = None
    font: Path | None = None
    utc_offset_s: int = 8 * 3600
    sealed: bool = True
    zones: tuple[Zone, ...] = ()


def read_spec(text: str) -> Spec:
    """Raises ValueError naming the field."""
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise BadSpec("spec: not an object")
    try:
        return Spec(
            tuple(Path(path) for path in raw["journals"]),
            base64.b64decode(raw["key"], validate=True),
            Path(raw["output"]),
            tuple(raw.get("kinds", (PERSON, COMPOSED))),
            raw.get("from_us"),
            raw.get("to_us"),
            raw.get("people"),
            Path(raw["font"]) if raw.get("font") else None,
            int(raw.get("utc_offset_s", 8 * 3600)),
            bool(raw.get("sealed", True)),
            zones_of(raw.get("zones", ())),
        )
    except KeyError as error:
        raise BadSpec(f"spec: {error.args[0]} is missing") from None


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of the journal that the films show: its start on the journal's timeline, and its length."""

    start_us: int
    length_us: int


def cut_of(tape: Tape, spec: Spec) -> Cut:
    """From the spec, else from the events session_started and session_ended, else the whole journal."""
    started = next((event.at_us for event in tape.events if event.kind == "session_started"), 0)
    ended = next(
        (event.at_us for event in reversed(tape.events) if event.kind in ("session_ended", "closed")), tape.end_us
    )
    start = started if spec.from_us is None else max(0, spec.from_us - tape.start_wall_us)
    end = ended if spec.to_us is None else min(spec.to_us - tape.start_wall_us, max(tape.end_us, ended))
    return Cut(start, max(end - start, 0))


def shown_part(events: list[Event], cut: Cut) -> list[Event]:
    """Events on the film's own clock; those before its start are shown at its start."""
    return [Event(e.number, max(0, e.at_us - cut.start_us), e.wall_us, e.kind, e.seat, e.data) for e in events]


def interruptions(tape: Tape, cut: Cut) -> list[dict[str, Any]]:
    """Stretches of the film in which nothing was recorded, each with its cause: the reason of the `closed` before, what the server knew, or `stopped`."""
    found, reason = [], None
    for event in shown_part(tape.events, cut):
        if event.kind == "continued":
            gap_us = max(0, int(event.data.get("gap_us") or 0))
            found.append(
                {
                    "from_us": max(0, event.at_us - gap_us),
                    "to_us": event.at_us,
                    "cause": reason or _after(event) or "stopped",
                }
            )
        reason = str(event.data.get("reason")) if event.kind == "closed" else None
    return found


def _after(event: Event) -> str | None:
    """What ended the writer before, as far as the server knew when it began the journal again."""
    facts = event.data.get("facts")
    return str(facts["after"]) if isinstance(facts, dict) and facts.get("after") else None


def silenced_parts(tape: Tape, cut: Cut) -> list[tuple[str, str, int, int]]:
    """(seat, source, from, to) of what the server withheld on somebody's word, on the film's clock."""
    began: dict[tuple[str, str], int] = {}
    found = []
    for event in tape.events:
        key = event.seat or "", str(event.data.get("source"))
        if event.kind == "paused":
            began.setdefault(key, event.at_us)
        elif event.kind == "resumed" and key in began:
            found.append((*key, began.pop(key) - cut.start_us, event.at_us - cut.start_us))
    return found + [(*key, at_us - cut.start_us, cut.length_us) for key, at_us in began.items()]


def hidden_parts(tape: Tape, cut: Cut, zones: Sequence[Zone]) -> list[dict[str, Any]]:
    """Redaction zones on the film's own clock."""
    begin_us = tape.start_wall_us + cut.start_us
    return [
        {"from_us": max(0, zone.from_us - begin_us), "to_us": max(0, zone.to_us + LATE_US - begin_us), "cause": "hidden",
         "seat": zone.seat, "source": zone.source, "why": zone.cause}
        for zone in zones
    ]  # fmt: skip


def summary(tape: Tape, cut: Cut, zones: Sequence[Zone] = ()) -> dict[str, Any]:
    """Facts of the journal for people: what was received, what is declared missing, what is wrong."""
    streams = [
        {
            "stream": s.number, "seat": s.seat, "source": s.source, "kind": s.kind, "codec": s.codec, "received": s.received,
            "declared_missing": s.declared_missing, "sent": s.sent,
        }
        for s in tape.streams.values()
    ]  # fmt: skip
    events = [
        {"n": e.number, "at_us": e.at_us, "kind": e.kind, "seat": e.seat}
        for e in shown_part(tape.events, cut)
        if e.kind != "stream"
    ]
    return {
        "session": tape.session, "room": tape.room, "streams": streams, "events": events, "interruptions": interruptions(tape, cut),
        "hidden": hidden_parts(tape, cut, zones), "withheld_chunks": tape.withheld,
        "problems": [str(problem) for problem in tape.problems], "notes": [f"{note.file}: {note.what}" for note in tape.notes],
    }  # fmt: skip
