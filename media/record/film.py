"""Makes the films of one journal, as its own process: `python -m media.record.film SPEC.json`, or `-` for a spec on standard input.

The spec is one JSON object (EVIDENCE.md, section 6); its key should come by standard input, not by a file. Every line on standard
output is one JSON object: {"progress": 0..1, "stage": ...}, and at the end {"done": {...}} with exit code 0, or {"error": ...} with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.record.films.letters import BadFont, Letters, open_letters
from media.record.films.making import Composed, PersonFilms
from media.record.films.spec import COMPOSED, PERSON, Spec, cut_of, read_spec, summary
from media.record.films.tape import Replay, Tape, place_streams, scan
from media.record.process import die_with_parent, say
from media.record.reader import Note, SessionKeys, load_segments
from media.record.redaction import KeysWithout, hidden_places

Progress = Callable[[str, float], None]


def make_films(spec: Spec, progress: Progress) -> dict[str, Any]:
    """All films that the spec asks for. Raises ValueError for a journal that cannot be read, OSError for the disk."""
    spec.output.mkdir(parents=True, exist_ok=True, mode=0o700)
    segments, whole = load_segments(spec.journals), SessionKeys(spec.key)
    keys = KeysWithout(whole, hidden_places(segments, whole, spec.zones))
    progress("scan", 0.0)
    tape = scan(segments, keys)
    placements, cut = place_streams(tape), cut_of(tape, spec)
    films: list[dict[str, Any]] = []
    if PERSON in spec.kinds:
        persons = PersonFilms(spec, tape, cut, placements)
        replay = Replay(tape, segments, keys)
        for stream, packet in replay.packets():
            persons.add(stream, packet)
            progress(PERSON, replay.blocks_done / tape.blocks)
        films += persons.finish()
    if COMPOSED in spec.kinds:
        composed = Composed(spec, tape, cut, placements, _letters(spec, tape))
        replay = Replay(tape, segments, keys)
        for stream, packet in replay.packets():
            composed.add(stream, packet)
            composed.advance(replay.now_us)
            progress(COMPOSED, replay.blocks_done / tape.blocks)
        films.append(composed.finish())
    return {
        "films": films,
        "length_us": cut.length_us,
        "start_wall_us": tape.start_wall_us + cut.start_us,
        **summary(tape, cut, spec.zones),
    }


def _letters(spec: Spec, tape: Tape) -> Letters:
    """A font that cannot be read is no reason to have no film: names are then shown with Pillow's letters, and a note says why."""
    try:
        return open_letters(spec.font)
    except (BadFont, OSError) as error:
        tape.notes.append(Note(str(spec.font and spec.font.name), f"cannot be used as a font: {error}"))
        return open_letters(None)


class Reporter:
    """Progress lines, at most one per percent and stage."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, stage: str, share: float) -> None:
        step = (stage, int(share * 100))
        if step != self._last:
            self._last = step
            say({"stage": stage, "progress": round(share, 2)})


def main(argv: list[str]) -> int:
    if len(argv) != 1:
        say({"error": "usage: python -m media.record.film SPEC.json|-"})
        return 1
    try:
        if argv[0] == "-":
            die_with_parent()
        text = sys.stdin.read() if argv[0] == "-" else Path(argv[0]).read_text("utf-8")
        say({"done": make_films(read_spec(text), Reporter())})
    except (ValueError, OSError) as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
