"""From a poster's words to its bytes. typst runs in a thread, one at a time: a poster is a matter of a tenth of a second."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import segno
import typst
from aiohttp import web

from server.errors import Conflict
from server.posters.type import NoGlyph, check_text, font_file, known_characters

TEMPLATE = Path(__file__).parent / "poster.typ"
Kind = Literal["pdf", "png"]
KEPT = 32  # finished posters; each is some 60 KB


@dataclass(frozen=True, slots=True)
class Poster:
    """Everything a poster says.

    facts  (label, text, is it large)
    rows   (day, times, service, people, mark): a mark colours the row
    stamp  across the poster, e.g. that it is called off
    """

    lang: str
    kicker: str
    title: str
    subtitle: str
    issuer: str
    footer: str
    link: str
    call: str
    facts: tuple[tuple[str, str, bool], ...] = ()
    columns: tuple[str, ...] = ("", "", "", "")
    rows: tuple[tuple[str, str, str, str, str], ...] = ()
    says: str = ""
    stamp: str = ""


def make(poster: Poster, kind: Kind = "pdf") -> bytes:
    """Draw it. `png` is the first page, for looking at. Raises NoGlyph, NoFont."""
    known = known_characters()
    values = asdict(poster)
    check_text(values, known)
    values["qr"] = segno.make(poster.link, error="m", micro=False).svg_inline(scale=8, border=2)
    drawn: Any = typst.compile(
        str(TEMPLATE),
        font_paths=[str(font_file().parent)],
        ignore_system_fonts=True,  # the same poster on every machine
        format=kind,
        ppi=100.0,
        sys_inputs={"data": json.dumps(values, ensure_ascii=False)},
    )
    pages = drawn if isinstance(drawn, list) else [drawn]
    return bytes(pages[0])


class Posters:
    """Draws each poster once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._one = asyncio.Semaphore(1)

    async def draw(self, poster: Poster, kind: Kind) -> bytes:
        """Its bytes. Raises Conflict('no_glyph') naming the character."""
        key = kind + hashlib.sha256(json.dumps(asdict(poster)).encode()).hexdigest()
        async with self._one:
            if key not in self._kept:
                try:
                    self._kept[key] = await asyncio.to_thread(make, poster, kind)
                except NoGlyph as error:
                    raise Conflict("no_glyph", detail=error.character) from error
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


POSTERS: web.AppKey[Posters] = web.AppKey("posters", Posters)
