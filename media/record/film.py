"""Makes the films of one journal, as its own process: `python -m media.record.film SPEC.json`, or `-` for a spec on standard input.

The spec is one JSON object (EVIDENCE.md, section 6); its key should come by standard input, not by a file. Every line on standard
output is one JSON object: {"progress": 0..1, "stage": ...}, and at the end {"done": {...}} with exit code 0, or {"error": ...} with 1.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from media.core.depacketize import BadPayload, FrameBuilder
from media.core.timeline import Placement
from media.record.film_person import CONTAINERS, PersonFilm
from media.record.reader import SessionKeys, load_segments
from media.record.sealed import SealedWriter
from media.record.tape import Replay, Stream, Tape, place_streams, scan

Progress = Callable[[str, float], None]
PERSON, COMPOSED = "person", "composed"


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


def read_spec(text: str) -> Spec:
    """Raises ValueError naming the field."""
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise BadPayload("spec: not an object")
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
        )
    except KeyError as error:
        raise BadPayload(f"spec: {error.args[0]} is missing") from None


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of the journal that the films show: its start on the journal's timeline, and its length."""

    start_us: int
    length_us: int


def cut_of(tape: Tape, spec: Spec) -> Cut:
    """From the spec, else from the events session_started and session_ended, else the whole journal."""
    started = next((event.at_us for event in tape.events if event.kind == "session_started"), 0)
    ended = next((event.at_us for event in reversed(tape.events) if event.kind in ("session_ended", "closed")), tape.end_us)
    start = started if spec.from_us is None else max(0, spec.from_us - tape.start_wall_us)
    end = ended if spec.to_us is None else min(spec.to_us - tape.start_wall_us, max(tape.end_us, ended))
    return Cut(start, max(end - start, 0))


class Output:
    """One film's file: sealed, or plain for tests and for taking out."""

    def __init__(self, spec: Spec, name: str, content_type: str) -> None:
        self.name = name + (".sealed" if spec.sealed else "")
        self.content_type = content_type
        self._path = spec.output / self.name
        self._partial = self._path.with_name(self._path.name + ".part")
        self._sealed = SealedWriter(self._partial, spec.key, content_type) if spec.sealed else None
        self.target: Any = self._sealed if self._sealed is not None else str(self._partial)

    def finish(self) -> int:
        """Give the file its name, whole. Returns its size in bytes."""
        if self._sealed is not None:
            self._sealed.finish()
        self._partial.replace(self._path)
        return self._path.stat().st_size


@dataclass(slots=True)
class _Making:
    """One person film under way."""

    seat: str
    source: str
    part: int
    film: PersonFilm
    output: Output


class PersonFilms:
    """All films of all persons in one pass over the journal. One film per seat and picture source; another codec begins another part."""

    def __init__(self, spec: Spec, tape: Tape, cut: Cut, placements: dict[int, Placement]) -> None:
        self._cut = cut
        self._placements = placements
        self._builders = {stream.number: FrameBuilder(stream.codec) for stream in tape.streams.values() if stream.codec in ("VP8", "H264")}
        self._making: dict[tuple[str, str, str | None], _Making] = {}
        shown = {(s.seat, s.source, s.codec) for s in tape.streams.values() if s.kind == "video" and s.received and s.codec in CONTAINERS}
        heard = {s.seat for s in tape.streams.values() if s.kind == "audio" and s.received}
        for seat, source, codec in sorted(shown):
            part = sum(1 for key in self._making if key[:2] == (seat, source))
            self._begin(spec, seat, source, codec, part)
        for seat in sorted(heard - {seat for seat, _, _ in shown}):
            self._begin(spec, seat, "voice", None, 0)

    def _begin(self, spec: Spec, seat: str, source: str, codec: str | None, part: int) -> None:
        suffix, content_type = CONTAINERS[codec]
        name = f"{seat}-{source}" + (f"-{part + 1}" if part else "") + f".{suffix}"
        output = Output(spec, name, content_type)
        film = PersonFilm(output.target, codec, self._cut.length_us)
        self._making[(seat, source, codec)] = _Making(seat, source, part, film, output)

    def add(self, stream: Stream, packet: Any) -> None:
        placement = self._placements.get(stream.number)
        if placement is None:
            return
        if stream.kind == "audio" and stream.codec == "opus" and packet.payload:
            at_us = placement.place(packet.ts) - self._cut.start_us
            for making in self._making.values():
                if making.seat == stream.seat:
                    making.film.voice(at_us, packet.payload)
        elif stream.number in self._builders:
            film = self._making[(stream.seat, stream.source, stream.codec)].film
            for item in self._builders[stream.number].add(packet):
                film.picture(item, placement.place(item.ts) - self._cut.start_us)

    def finish(self) -> list[dict[str, Any]]:
        return [self._finish(making) for making in self._making.values()]

    def _finish(self, making: _Making) -> dict[str, Any]:
        making.film.finish()
        counts = making.film.counts
        return {
            "kind": PERSON, "seat": making.seat, "source": making.source, "part": making.part, "codec": making.film.codec,
            "file": making.output.name, "type": making.output.content_type, "bytes": making.output.finish(),
            "length_us": self._cut.length_us, "frames": counts.frames, "frames_lost": counts.frames_lost,
            "gaps": [asdict(gap) for gap in counts.gaps], "voice": asdict(making.film.voice_counts),
        }  # fmt: skip


def make_films(spec: Spec, progress: Progress) -> dict[str, Any]:
    """All films that the spec asks for. Raises ValueError for a journal that cannot be read, OSError for the disk."""
    spec.output.mkdir(parents=True, exist_ok=True, mode=0o700)
    segments, keys = load_segments(spec.journals), SessionKeys(spec.key)
    progress("scan", 0.0)
    tape = scan(segments, keys)
    placements, cut = place_streams(tape), cut_of(tape, spec)
    films: list[dict[str, Any]] = []
    if PERSON in spec.kinds:
        persons = PersonFilms(spec, tape, cut, placements)
        replay = Replay(tape, segments, keys)
        for stream, packet in replay.packets():
            persons.add(stream, packet)
            progress("person", replay.blocks_done / tape.blocks)
        films += persons.finish()
    return {"films": films, "length_us": cut.length_us, "start_wall_us": tape.start_wall_us + cut.start_us, **summary(tape)}


def summary(tape: Tape) -> dict[str, Any]:
    """Facts of the journal for people: what was received, what is declared missing, what is wrong."""
    streams = [
        {
            "stream": s.number, "seat": s.seat, "source": s.source, "kind": s.kind, "codec": s.codec, "received": s.received,
            "declared_missing": s.declared_missing, "sent": s.sent,
        }
        for s in tape.streams.values()
    ]  # fmt: skip
    return {
        "session": tape.session, "room": tape.room, "streams": streams, "withheld_chunks": tape.withheld,
        "problems": [str(problem) for problem in tape.problems], "notes": [f"{note.file}: {note.what}" for note in tape.notes],
    }  # fmt: skip


class Reporter:
    """Progress lines, at most one per percent and stage."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, stage: str, share: float) -> None:
        step = (stage, int(share * 100))
        if step != self._last:
            self._last = step
            say({"stage": stage, "progress": round(share, 2)})


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    if len(argv) != 1:
        say({"error": "usage: python -m media.record.film SPEC.json|-"})
        return 1
    try:
        text = sys.stdin.read() if argv[0] == "-" else Path(argv[0]).read_text("utf-8")
        say({"done": make_films(read_spec(text), Reporter())})
    except (ValueError, OSError) as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
