"""Films under way: which ones, into which files, and what each packet means to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Any

from media.core.depacketize import FrameBuilder, Packet
from media.core.timeline import Placement
from media.record.films.composed import ComposedFilm
from media.record.films.letters import Letters
from media.record.films.person import CONTAINERS, Gap, PersonFilm
from media.record.films.sizes import Size, larger
from media.record.films.spec import COMPOSED, PERSON, Cut, Spec, shown_part, silenced_parts
from media.record.films.tape import Stream, Tape
from media.record.films.tiles import Wanted
from media.record.sealed import SealedWriter


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
        """Give the file its name, whole. Returns the bytes of its content."""
        if self._sealed is None:
            size = self._partial.stat().st_size
        else:
            size = self._sealed.length
            self._sealed.finish()
        self._partial.replace(self._path)
        return size


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
        self._silenced = silenced_parts(tape, cut)
        self._builders = {
            stream.number: FrameBuilder(stream.codec)
            for stream in tape.streams.values()
            if stream.codec in ("VP8", "H264")
        }
        self._making: dict[tuple[str, str, str | None], _Making] = {}
        shown = {
            (s.seat, s.source, s.codec)
            for s in tape.streams.values()
            if s.kind == "video" and s.received and s.codec in CONTAINERS
        }
        heard = {s.seat for s in tape.streams.values() if s.kind == "audio" and s.received}
        for seat, source, codec in sorted(shown):
            part = sum(1 for key in self._making if key[:2] == (seat, source))
            # Layers of a picture take turns, and the small one often begins: the track is as large as the largest.
            same = [s for s in tape.streams.values() if (s.seat, s.source, s.codec) == (seat, source, codec)]
            largest = reduce(larger, (stream.size for stream in same), None)
            self._begin(spec, seat, source, codec, part, largest)
        for seat in sorted(heard - {seat for seat, _, _ in shown}):
            self._begin(spec, seat, "voice", None, 0)

    def _begin(
        self, spec: Spec, seat: str, source: str, codec: str | None, part: int, size: Size | None = None
    ) -> None:
        suffix, content_type = CONTAINERS[codec]
        name = f"{seat}-{source}" + (f"-{part + 1}" if part else "") + f".{suffix}"
        output = Output(spec, name, content_type)
        film = PersonFilm(output.target, codec, self._cut.length_us, size)
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
            "gaps": [asdict(self._explained(making, gap)) for gap in counts.gaps], "voice": asdict(making.film.voice_counts),
        }  # fmt: skip

    def _explained(self, making: _Making, gap: Gap) -> Gap:
        """A picture that somebody had stopped was sent, and is not in the journal: the gap says so."""
        stopped = any(
            (seat, source) == (making.seat, making.source) and from_us < gap.to_us and to_us > gap.from_us
            for seat, source, from_us, to_us in self._silenced
        )
        return replace(gap, cause="silenced") if stopped and gap.cause in ("none", "hole") else gap


class Composed:
    """The composed film in one pass over the journal."""

    def __init__(self, spec: Spec, tape: Tape, cut: Cut, placements: dict[int, Placement], letters: Letters) -> None:
        self._cut = cut
        self._placements = placements
        self._builders = {
            stream.number: FrameBuilder(stream.codec)
            for stream in tape.streams.values()
            if stream.codec in ("VP8", "H264")
        }
        self._output = Output(spec, "composed.mp4", "video/mp4")
        events = shown_part(tape.events, cut)
        self._film = ComposedFilm(
            self._output.target,
            wanted_tiles(tape, spec, chinese=letters.can_write("申请人")),
            events,
            cut.length_us,
            tape.start_wall_us + cut.start_us,
            spec.utc_offset_s,
            letters,
        )

    def add(self, stream: Stream, packet: Packet) -> None:
        placement = self._placements.get(stream.number)
        if placement is None:
            return
        if stream.kind == "audio" and stream.codec == "opus" and packet.payload:
            self._film.voice(stream.seat, placement.place(packet.ts) - self._cut.start_us, packet.payload)
        elif stream.number in self._builders:
            for item in self._builders[stream.number].add(packet):
                at_us = placement.place(item.ts) - self._cut.start_us
                self._film.picture(stream.seat, stream.source, stream.number, stream.codec, item, at_us)

    def advance(self, arrived_us: int) -> None:
        self._film.advance(arrived_us - self._cut.start_us)

    def finish(self) -> dict[str, Any]:
        self._film.finish()
        return {
            "kind": COMPOSED, "seat": None, "source": None, "part": 0, "codec": "H264", "file": self._output.name,
            "type": self._output.content_type, "bytes": self._output.finish(), "length_us": self._cut.length_us,
        }  # fmt: skip


def wanted_tiles(tape: Tape, spec: Spec, *, chinese: bool) -> list[Wanted]:
    """Every seat that sent anything gets a place: its pictures, or its name where it only spoke. In order of the first packet."""
    sent = sorted((s for s in tape.streams.values() if s.received), key=lambda s: s.first_us or 0)
    labels = people_of(tape, spec)
    shown = {s.seat for s in sent if s.kind == "video"}
    tiles: dict[tuple[str, str], Wanted] = {}
    for stream in sent:
        if stream.kind == "video" or stream.seat not in shown:
            label = labels.get(stream.seat, {})
            tiles.setdefault(
                (stream.seat, stream.source),
                Wanted(
                    stream.seat, stream.source, label.get("role", ""), label.get("name") or role_word(label, chinese)
                ),
            )
    return list(tiles.values())


# Who has not said a name is called by what they are; an identifier tells nobody anything.
ROLES = {
    "in_charge": ("主持人", "in charge"),
    "staff": ("工作人员", "staff"),
    "applicant": ("申请人", "applicant"),
    "party": ("当事人", "party"),
    "interpreter": ("翻译", "interpreter"),
    "supporter": ("陪同的人", "supporter"),
    "witness": ("见证人", "witness"),
}
_SOMEBODY = ("参与人", "participant")


def role_word(label: dict[str, str], chinese: bool) -> str:
    """The word for a seat without a name."""
    return ROLES.get(label.get("role", ""), _SOMEBODY)[0 if chinese else 1]


def people_of(tape: Tape, spec: Spec) -> dict[str, dict[str, str]]:
    """Role and name by seat: from the spec, else from the labels in the events."""
    if spec.people is not None:
        return spec.people
    found: dict[str, dict[str, str]] = {}
    for event in tape.events:
        label = event.data.get("label")
        if event.seat and isinstance(label, dict):
            found[event.seat] = {str(key): str(value) for key, value in label.items()}
    return found
