"""What may stand behind an option of a benchmark; each raises ArgumentTypeError with what is accepted."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection

from server.bench.loadgen.peer import PROFILES

LONGEST_SLICE_S = 600.0


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        wanted = [] if text == "-" else text.split(",")
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no such server: {', '.join(unknown)} (known: {', '.join(known)})")
        return wanted

    return names


def profiles(text: str) -> str:
    unknown = [name for name in text.split(",") if name not in PROFILES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such SRTP profile: {', '.join(unknown)} (known: {', '.join(PROFILES)})")
    return text


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < LONGEST_SLICE_S:
        raise argparse.ArgumentTypeError(f"seconds, more than 0 and below {LONGEST_SLICE_S:g}, not {text!r}")
    return value


def at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number from {least} on, not {text!r}")
        return int(text)

    return number
