"""What a player shows over a film: captions of what happened (WebVTT), and who is watching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.errors import NotFound
from server.i18n import Catalog, language_of
from server.keys import TEMPLATES
from server.people.store import load_person
from server.recordings import store
from server.viewings.service import require_viewer

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_US = 4_000_000


def web_vtt(events: Iterable[Mapping[str, Any]], sentence: Callable[[Mapping[str, Any]], str], length_us: int) -> str:
    """One cue for each event that has a sentence. Pure.

    events  {"at_us": on the film's clock, "kind", "seat"}
    Source  W3C WebVTT: `&`, `<` and `>` are written as references, a cue never holds an empty line.
    """
    cues = ["WEBVTT"]
    for event in events:
        start = max(0, int(event["at_us"]))
        words = " ".join(sentence(event).split())
        if words and start < length_us:
            escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            cues.append(f"{_clock(start)} --> {_clock(min(start + SHOWN_US, length_us))}\n{escaped}")
    return "\n\n".join(cues) + "\n"


def _clock(at_us: int) -> str:
    ms = at_us // 1000
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def sentence_in(catalog: Catalog, people: dict[str, dict[str, str]]) -> Callable[[Mapping[str, Any]], str]:
    """Events in the words of the review page; of an event's data nothing is shown."""

    def sentence(event: Mapping[str, Any]) -> str:
        words = catalog.words.get(f"sessions.event_{event['kind']}", "")
        person = people.get(event["seat"] or "", {})
        name = person.get("name") or catalog.words.get(f"names.role_{person.get('role')}", "")
        return words.replace("{name}", name)

    return sentence


class ViewMark(msgspec.Struct):
    """Stands over the picture: whose eyes these are, and since when (unix seconds). A photograph of the screen then tells where it was taken."""

    name: str
    at: float


async def film_captions(call: Call[None]) -> web.Response:
    """What happened, as captions of the session's films."""
    session = call.path("session")
    async with call.connection() as conn:
        await require_viewer(conn, call.actor, Action.WATCH_RECORDING, session, call.now)
        row = await store.recording(conn, session)
        people = await store.people(conn, session)
    if row is None:
        raise NotFound()
    catalog = call.app[TEMPLATES].catalogs[language_of(call.request)]
    result = row.result
    text = web_vtt(result.get("events", []), sentence_in(catalog, people), int(result.get("length_us", 0)))
    return web.Response(text=text, content_type="text/vtt", charset="utf-8", headers={"Cache-Control": "no-store"})


async def view_mark(call: Call[None]) -> ViewMark:
    """The mark of whoever asks."""
    async with call.connection() as conn:
        await require_viewer(conn, call.actor, Action.WATCH_RECORDING, call.path("session"), call.now)
        person = await load_person(conn, str(call.actor.id))
    return ViewMark(person.name(language_of(call.request)), call.now.timestamp())


_SESSION = "/api/sessions/{session}"
OPERATIONS = [
    Operation("GET", f"{_SESSION}/captions.vtt", film_captions, Action.SEE_RECORDINGS, "Captions of a session's films", media_type="text/vtt"),
    Operation("GET", f"{_SESSION}/view-mark", view_mark, Action.SEE_RECORDINGS, "The mark of whoever watches", reply=ViewMark),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in, after the recordings."""
    add_operations(app, OPERATIONS)
