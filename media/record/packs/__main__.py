"""Makes one evidence pack as its own process: `python -m media.record.packs`, its spec as one JSON object on standard input.

{"journals": [{"room", "directories", "key"}], "films": [{"path", "name", "key", "facts"}], "facts": {...}, "made_at": "...",
 "output": "...", "key": "..."}; keys in base64, `key` seals the pack. The last line on standard output is {"done": {...}} or {"error": ...}.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.process import die_with_parent, say
from media.record.sealed import SealedWriter

CONTENT_TYPE = "application/zip"


def sources_of(spec: dict[str, Any]) -> tuple[list[JournalSource], list[FilmSource]]:
    """What goes into the pack. Raises KeyError, ValueError."""
    journals = [
        JournalSource(entry["room"], tuple(map(Path, entry["directories"])), base64.b64decode(entry["key"]))
        for entry in spec["journals"]
    ]
    films = [
        FilmSource(Path(entry["path"]), entry["name"], base64.b64decode(entry["key"]), entry["facts"])
        for entry in spec["films"]
    ]
    return journals, films


def make_pack(spec: dict[str, Any]) -> dict[str, Any]:
    """Write the sealed pack, signed by nobody. Raises KeyError, ValueError, OSError."""
    journals, films = sources_of(spec)
    output = Path(spec["output"])
    output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = output.with_name(output.name + ".part")
    target = SealedWriter(partial, base64.b64decode(spec["key"]), CONTENT_TYPE)
    manifest = write_pack(target, journals, films, spec["facts"], made_at=spec["made_at"])
    size = target.length
    digest = target.finish()
    partial.replace(output)
    return {"bytes": size, "sha256": digest, "type": CONTENT_TYPE, "journals": manifest["journals"]}


def main() -> int:
    die_with_parent()
    try:
        say({"done": make_pack(json.loads(sys.stdin.buffer.read()))})
    except (KeyError, ValueError, OSError) as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
