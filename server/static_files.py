"""Static files below one version: `/static/<build>/js/...`, where `build` is a digest of all of them, so that each may be kept for ever.

A script's relative imports keep the prefix, so a page is of one build from its first script to its last, and a page that was here
before asks for none of them again. Without the prefix, or with that of another build (a page from before an update), the files
are the same but asked about each time.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import web

from server.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

YEAR_S: Final = 365 * 24 * 3600
BUILD_CHARS: Final = 12
# import ... from "./x.js", export ... from "./x.js", import "./x.js": at the start of a line, as all of ours and of the vendored ones are.
_IMPORT: Final = re.compile(r'^(?:import|export)\b(?:[^"\'();]*?\bfrom)?\s*["\'](\.{1,2}/[^"\']+)["\']', re.MULTILINE)


@dataclass(slots=True)
class StaticFiles:
    """The folder as it was at start; an update of the files needs a restart, as an update of the code does."""

    folder: Path
    build: str
    _needed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Where a browser finds `js/theme.js`. Raises FileNotFoundError."""
        if not (self.folder / name).is_file():
            raise FileNotFoundError(f"no static file {name}")
        return f"/static/{self.build}/{name}"

    def modules(self, *entries: str) -> list[str]:
        """URLs of scripts and of all that they import, directly or not, but for what they import on demand: for `modulepreload`."""
        names = dict.fromkeys(name for entry in entries for name in self._closure(entry))
        return [self.url(name) for name in names]

    def _closure(self, entry: str) -> tuple[str, ...]:
        if entry not in self._needed:
            found, waiting = {entry: None}, [entry]
            while waiting:
                for name in self._imports(waiting.pop(0)):
                    if name not in found:
                        found[name] = None
                        waiting.append(name)
            self._needed[entry] = tuple(found)
        return self._needed[entry]

    def _imports(self, name: str) -> list[str]:
        here = (self.folder / name).resolve()
        places = [(here.parent / found).resolve() for found in _IMPORT.findall(here.read_text("utf-8"))]
        return [str(place.relative_to(self.folder)) for place in places]

    def file(self, name: str) -> Path:
        """Of the folder itself: no directory, no symlink out. Raises NotFound."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder) or not path.is_file():
            raise NotFound()
        return path


def load_static_files(folder: Path) -> StaticFiles:
    """Read everything once for its digest."""
    folder = folder.resolve()
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return StaticFiles(folder, digest.hexdigest()[:BUILD_CHARS])


def answer_with(path: Path, *, for_ever: bool) -> web.FileResponse:
    """A file with its type; `for_ever`: its address names its content."""
    response = web.FileResponse(path)
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
    is_text = (kind or "").startswith("text/")
    response.headers["Content-Type"] = f"{kind}; charset=utf-8" if is_text else kind or "application/octet-stream"
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if for_ever else "no-cache"
    return response
