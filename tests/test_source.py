"""The source itself: formatted, linted, typed. Settings and the reason for each exception stand in pyproject.toml."""

from __future__ import annotations

import pytest

from tests.support.source_checks import TOOLS, SourceCheck


@pytest.mark.parametrize("check", TOOLS)
def test_source(check: str, source_checks: dict[str, SourceCheck]) -> None:
    code, said = source_checks[check].result()

    if code:
        pytest.fail(f"{' '.join(TOOLS[check])}\n{said}", pytrace=False)
