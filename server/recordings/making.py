"""Runs the maker processes of a recording (films, then the pack) and puts together what they say."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media.record.films.fonts import find_font
from media.record.segments import list_segments
from media.record.volumes import is_any_written
from server.recordings.store import FilmRow

if TYPE_CHECKING:
    from datetime import datetime

    from server.recordings.service import Recordings
    from server.recordings.store import SessionFacts

# One line of a maker is a progress note or a result of some kilobytes; a result with ten thousand events fits.
MAX_LINE = 16 << 20
# Films are made while people talk on the same machine: the makers step back.
NICENESS = 10
# Share of the whole work, by stage: (where it begins, where it ends).
STAGES = {"scan": (0.0, 0.02), "person": (0.02, 0.15), "composed": (0.15, 0.9), "pack": (0.9, 1.0)}

Progress = Callable[[str, float], None]


class MakingFailed(Exception):
    """A maker process ended with an error; the message is what it said."""


class StillWritten(Exception):
    """The worker has not closed the journal yet: come again."""


@dataclass(frozen=True, slots=True)
class Made:
    """Films and pack of a session, as rows, and what is told about the recording."""

    films: list[FilmRow]
    result: dict[str, Any]
    unstamped: list[dict[str, Any]]  # what no authority could be reached for; {"kind", "room", "block", "imprint"}


async def make(
    recordings: Recordings,
    facts: SessionFacts,
    rooms: list[str],
    people: dict[str, dict[str, str]],
    key: bytes,
    progress: Progress,
    now: datetime,
    sealing: dict[str, Any],
) -> Made | None:
    """Everything for one session, sealed as `sealing` says (server/evidence/service.py); None when no room of it has a journal. Raises StillWritten, MakingFailed."""
    with_journal = [room for room in rooms if list_segments(*recordings.journal_directories(facts.id, room))]
    for room in with_journal:
        _check_closed(recordings.journal_directories(facts.id, room))
    if not with_journal:
        return None
    done = {
        room: await _run_films(recordings, facts, room, people, key, progress, sealing.get("zones", []))
        for room in with_journal
    }
    films = [_film_row(recordings, facts.id, room, entry) for room, made in done.items() for entry in made["films"]]
    pack, unstamped = await _run_pack(recordings, facts, films, with_journal, key, progress, now, sealing)
    return Made(
        [*films, pack],
        _joined(list(done.values())),
        [{**one, "room": one["room"] or with_journal[0]} for one in unstamped],
    )


def _check_closed(directories: tuple[Path, ...]) -> None:
    """The writer holds the lock as long as it lives; a dead one holds nothing."""
    if is_any_written(directories):
        raise StillWritten


async def _run_films(
    recordings: Recordings,
    facts: SessionFacts,
    room: str,
    people: dict[str, dict[str, str]],
    key: bytes,
    progress: Progress,
    zones: list[dict[str, Any]],
) -> dict[str, Any]:
    spec = {
        "zones": zones,
        "journals": [str(directory) for directory in recordings.journal_directories(facts.id, room)],
        "key": base64.b64encode(key).decode(),
        "output": str(recordings.film_directory(facts.id, room)),
        "from_us": int(facts.opened_at.timestamp() * 1e6),
        "to_us": int(facts.ended_at.timestamp() * 1e6) if facts.ended_at else None,
        "people": people,
        "font": str(font) if (font := find_font()) else None,
    }
    return await run_maker(("media.record.film", "-"), spec, progress)


async def _run_pack(
    recordings: Recordings,
    facts: SessionFacts,
    films: list[FilmRow],
    rooms: list[str],
    key: bytes,
    progress: Progress,
    now: datetime,
    sealing: dict[str, Any],
) -> tuple[FilmRow, list[dict[str, Any]]]:
    progress("pack", 0.0)
    text = base64.b64encode(key).decode()
    path = recordings.film_directory(facts.id, rooms[0]) / "pack.zip.sealed"
    spec = {
        "journals": [
            {"room": room, "directories": list(map(str, recordings.journal_directories(facts.id, room))), "key": text}
            for room in rooms
        ],
        "films": [_film_source(recordings, film, text, many=len(rooms) > 1) for film in films],
        "facts": {
            "session": facts.id, "procedure": facts.procedure, "site": facts.site, "opened_at": facts.opened_at.isoformat(),
            "ended_at": facts.ended_at.isoformat() if facts.ended_at else None, "end_reason": facts.end_reason,
        },
        "made_at": now.isoformat(),
        "output": str(path),
        "key": text,
        **sealing,
    }  # fmt: skip
    done = await run_maker(("server.evidence",), spec, progress)
    relative = str(path.relative_to(recordings.data))
    row = FilmRow(
        "", rooms[0], "pack", None, None, 0, relative, done["type"], done["bytes"], 0, {"sha256": done["sha256"]}
    )
    return row, done["unstamped"]


def _film_source(recordings: Recordings, film: FilmRow, key: str, *, many: bool) -> dict[str, Any]:
    name = Path(film.path).name.removesuffix(".sealed")
    return {
        "path": str(recordings.data / film.path),
        "name": f"{film.room_id}/{name}" if many else name,
        "key": key,
        "facts": film.facts,
    }


def _film_row(recordings: Recordings, session_id: str, room: str, entry: dict[str, Any]) -> FilmRow:
    path = recordings.film_directory(session_id, room).relative_to(recordings.data) / entry["file"]
    return FilmRow(
        "", room, entry["kind"], entry["seat"], entry["source"], entry["part"], str(path), entry["type"], entry["bytes"], entry["length_us"], entry
    )  # fmt: skip


def _joined(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One room is the rule; with several, the first gives the length and the others their problems and events."""
    first = results[0]
    lists = {
        name: [item for result in results for item in result[name]]
        for name in ("events", "problems", "notes", "streams", "interruptions", "hidden")
    }
    return {"length_us": first["length_us"], "start_wall_us": first["start_wall_us"], **lists}


async def run_maker(module: tuple[str, ...], spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Start a maker, hand it its spec on standard input, follow its lines. It dies with us. Raises MakingFailed."""
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", str(NICENESS), sys.executable, "-m", *module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        return await _follow(process, spec, progress)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _follow(process: asyncio.subprocess.Process, spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise MakingFailed("the maker has no pipes")
    # A maker that was killed before it read tells by its exit code below; uvloop says RuntimeError for its closed pipe.
    with contextlib.suppress(OSError, RuntimeError):
        process.stdin.write(json.dumps(spec).encode())
        process.stdin.close()
    async for line in process.stdout:
        said = json.loads(line)
        if "done" in said:
            return dict(said["done"])
        if "error" in said:
            raise MakingFailed(str(said["error"]))
        begin, end = STAGES.get(said.get("stage", ""), (0.0, 0.0))
        progress(said["stage"], begin + (end - begin) * float(said["progress"]))
    raise MakingFailed(f"the maker ended without a result, exit code {await process.wait()}")
