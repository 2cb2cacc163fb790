"""Whole messages to begin with, taken from the documents of the protocols: chance alone writes no JSON with the right names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from server.bench.servers import ROOT

# Target -> (document, field that says what a message is)
DOCUMENTS: Final = {"signals": ("server/signaling/PROTOCOL.md", "type"), "control": ("media/CONTROL.md", "op")}


def write_seeds(target: str, folder: Path) -> None:
    """The messages of a target's document, one a file; nothing where it has none, or no checkout is here."""
    document, field = DOCUMENTS.get(target, ("", ""))
    if document and (ROOT / document).is_file():
        for number, message in enumerate(messages_of((ROOT / document).read_text("utf-8"), field)):
            (folder / f"document-{number}").write_text(json.dumps(message, ensure_ascii=False), "utf-8")


def messages_of(document: str, field: str) -> list[dict[str, object]]:
    """The JSON objects in indented blocks that have this field."""
    blocks = "".join(line[4:] + "\n" if line.startswith("    ") else "\x00" for line in document.splitlines())
    found, decoder = [], json.JSONDecoder()
    for block in blocks.split("\x00"):
        rest = block.strip()
        while rest.startswith("{"):
            try:
                message, end = decoder.raw_decode(rest)
            except ValueError:
                break
            found += [message] if field in message else []
            rest = rest[end:].strip()
    return found
