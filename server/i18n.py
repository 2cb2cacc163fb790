"""Words: catalogs of Simplified Chinese and English, both complete, one JSON file per area and language.

web/locales/zh-CN/kiosk.json holds {"welcome": "请坐", ...}; its key is `kiosk.welcome`. Placeholders are `{name}`. A test compares the two
languages key by key and placeholder by placeholder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

LANGUAGES = ("zh-CN", "en")
LANGUAGE_COOKIE = "laizuo_lang"


@dataclass(frozen=True, slots=True)
class Catalog:
    """All words of one language."""

    language: str
    words: dict[str, str]
    json: bytes
    digest: str

    def say(self, key: str, **values: object) -> str:
        """The sentence of a key. A missing key is a defect of ours and raises KeyError."""
        return self.words[key].format(**values) if values else self.words[key]


def load_catalogs(root: Path) -> dict[str, Catalog]:
    """Read all catalogs below web/locales."""
    return {language: _load(root / language, language) for language in LANGUAGES}


def _load(folder: Path, language: str) -> Catalog:
    words: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        entries = json.loads(path.read_text("utf-8"))
        words.update({f"{path.stem}.{key}": text for key, text in entries.items()})
    raw = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return Catalog(language, words, raw, hashlib.sha256(raw).hexdigest()[:12])


def language_of(request: web.Request) -> str:
    """`?lang=` first, then the cookie, then the browser's first wish; Chinese where nothing speaks for English."""
    for wish in (request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wish in LANGUAGES:
            return wish
    first = request.headers.get("Accept-Language", "").split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "zh-CN"


def catalog_of(catalogs: dict[str, Catalog], name: str) -> Catalog:
    """The catalog a script asks for by language. Raises NotFound."""
    if name not in catalogs:
        raise NotFound()
    return catalogs[name]
