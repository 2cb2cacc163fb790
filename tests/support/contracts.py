"""Contract pages (CONTROL.md, PROTOCOL.md ...) as data: their headings and the JSON examples below each.

A page joins the test by an entry in `CONTRACTS` (tests/test_docs.py): which names must have a heading, and how one example is
read and written again.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
_HEADING = re.compile(r"^#{2,3} (?P<name>[a-z][a-z0-9_]*)$")
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Example:
    """One JSON value of a page. `where` is "file:line" for the failure; `before` are the examples above it in its section."""

    heading: str
    where: str
    value: dict[str, Any]
    before: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """A page and what its headings have to be.

    names       every message there is; each needs a heading with an example
    read_write  reads one example as our code would, and gives back what our code would write for it
    """

    page: str
    names: frozenset[str]
    read_write: Callable[[Example], dict[str, Any]]


def headings(page: str) -> set[str]:
    return {match["name"] for line in _lines(page) if (match := _HEADING.match(line))}


def examples(page: str) -> list[Example]:
    """The examples of all sections whose heading is a message's name. Raises ValueError naming the line of one that is no JSON."""
    found: list[Example] = []
    heading, block, start = "", "", 0
    for number, line in enumerate([*_lines(page), "#"], 1):
        if line.startswith("    ") and heading:
            start = start or number
            block += line + "\n"
            continue
        if block and line.strip():
            before = tuple(example.value for example in found if example.heading == heading)
            found += _values(block, heading, f"{page}:{start}", before)
            block, start = "", 0
        if line.startswith("#"):
            match = _HEADING.match(line)
            heading = match["name"] if match else ""
    return found


def _lines(page: str) -> list[str]:
    return (ROOT / page).read_text(encoding="utf-8").splitlines()


def _values(block: str, heading: str, where: str, before: tuple[dict[str, Any], ...]) -> list[Example]:
    text, found = textwrap.dedent(block).strip(), []
    while text:
        try:
            value, end = _JSON.raw_decode(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where} ({heading}): {error}") from error
        found.append(Example(heading, where, value, before))
        before, text = (*before, value), text[end:].strip()
    return found


def lost(example: Any, written: Any, path: str = "") -> list[str]:
    """Paths at which `written` does not say what the example says. A null may be left out: it means the same."""
    if isinstance(example, dict) and isinstance(written, dict):
        return [
            problem
            for key, value in example.items()
            if value is not None or written.get(key) is not None
            for problem in lost(value, written.get(key), f"{path}.{key}")
        ]
    if isinstance(example, list) and isinstance(written, list) and len(example) == len(written):
        return [
            problem
            for i, pair in enumerate(zip(example, written, strict=True))
            for problem in lost(*pair, f"{path}[{i}]")
        ]
    return [] if example == written else [f"{path or '.'}: {example!r} became {written!r}"]
