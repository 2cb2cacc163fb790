"""Signaling transcripts (tests/vectors/signaling/*.jsonl): what was said to whom, line by line.

    {"title": ..., "recorded": true, "seats": {"a1": {"role": "in_charge", "name": "..."}, ...}}      the first line
    {"from": "a1", "say": {...}}              a page says something ("a1#2": the same person in a second window)
    {"raw": "a1", "text": "..."}              the same, as it is
    {"drop": "a1"}                            a line breaks
    {"worker": {...}}                         an event of the media worker
    {"lost": true} {"replaced": true}         the worker is gone; another has the room
    {"to": "a1", "hear": {...}}               what somebody hears of the line above, in order, and nothing else; "*" is anything
    {"to": "a1", "hangs": true}               the server closes the line

Lines that only the core can play stand in files whose first line says `"core_only": true`:

    {"after_s": 31}                           time passes
    {"database": "away"} {"database": "back"}

Tokens are written "seat:a1" and "resume:a1". An offer whose SDP is "refuse CODE" is refused by the worker with that code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "signaling"
ANSWER = "v=0 answer"


@dataclass(frozen=True, slots=True)
class Step:
    """One stimulus and everything that is heard of it. `number` is its line in the file."""

    number: int
    stimulus: dict[str, Any]
    heard: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One file."""

    name: str
    title: str
    recorded: bool
    core_only: bool
    seats: dict[str, dict[str, Any]]
    steps: tuple[Step, ...]


def load(path: Path) -> Transcript:
    """Read a transcript. A line that is neither a stimulus nor heard is an error naming it."""
    lines = [
        (number, json.loads(text))
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1)
        if text.strip()
    ]
    (_, head), *rest = lines
    steps: list[Step] = []
    for number, line in rest:
        if "to" in line:
            assert steps, f"{path.name}:{number}: heard before anything was said"
            steps[-1] = Step(steps[-1].number, steps[-1].stimulus, (*steps[-1].heard, line))
        else:
            steps.append(Step(number, line, ()))
    return Transcript(
        path.stem, head["title"], head.get("recorded", False), head.get("core_only", False), head["seats"], tuple(steps)
    )


def all_transcripts() -> list[Transcript]:
    """Every file, by name."""
    return [load(path) for path in sorted(VECTORS.glob("*.jsonl"))]


def differences(expected: Any, actual: Any, at: str = "") -> list[str]:
    """Where two values differ; "*" in the expected one is anything. Numbers are equal as numbers."""
    if expected == "*":
        return []
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = sorted(expected.keys() | actual.keys())
        return [
            line
            for key in keys
            for line in differences(expected.get(key, "<absent>"), actual.get(key, "<absent>"), f"{at}.{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for index, pair in enumerate(zip(expected, actual, strict=True))
            for line in differences(*pair, f"{at}[{index}]")
        ]
    return [] if expected == actual else [f"{at or 'message'}: expected {expected!r}, heard {actual!r}"]


def check(transcript: Transcript, step: Step, heard: dict[str, list[dict[str, Any]]]) -> None:
    """Compare what each line heard after a step, in its order. `heard`: line -> messages, {"hangs": true} for the end of a line."""
    where = f"{transcript.name}.jsonl:{step.number} {json.dumps(step.stimulus, ensure_ascii=False)}"
    expected: dict[str, list[dict[str, Any]]] = {}
    for line in step.heard:
        expected.setdefault(line["to"], []).append({"hangs": True} if line.get("hangs") else line["hear"])
    for who in sorted(expected.keys() | heard.keys()):
        wanted, got = expected.get(who, []), heard.get(who, [])
        same_length = len(wanted) == len(got)
        problems = differences(wanted, got) if same_length else ["another number of messages"]
        if problems:
            shown = "\n    ".join(json.dumps(message, ensure_ascii=False) for message in got) or "nothing"
            raise AssertionError(f"{where}\n  {who}: " + "\n  ".join(problems) + f"\n  heard:\n    {shown}")
