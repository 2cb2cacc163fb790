"""RULES.md is true: every example in it runs and prints what it says, and it names every warning there is."""

from __future__ import annotations

import doctest
from pathlib import Path

from schedules.core.model import OverrideKind, Turn, WarningCode

RULES = Path(__file__).parents[3] / "schedules" / "RULES.md"


def test_every_example_runs() -> None:
    examples = doctest.DocTestParser().get_doctest(RULES.read_text("utf-8"), {}, "RULES.md", str(RULES), 0)
    failures: list[str] = []

    result = doctest.DocTestRunner(verbose=False).run(examples, out=failures.append)

    assert len(examples.examples) >= 40
    assert result.failed == 0, "\n".join(failures)


def test_every_name_of_the_rules_is_told() -> None:
    text = RULES.read_text("utf-8")

    for word in (*WarningCode, *OverrideKind):
        assert f"`{word.value}`" in text
    for turn in Turn:
        assert f"`turn={turn.name}`" in text
