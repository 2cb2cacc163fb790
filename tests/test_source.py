"""The source itself: formatted, linted, typed. Settings and the reason for each exception stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {
    "format": ("ruff", "format", "--check", "--quiet", "--output-format=concise", "."),
    "lint": ("ruff", "check", "--quiet", "--output-format=concise", "."),
    "types": ("mypy",),
}


@pytest.mark.parametrize("check", TOOLS)
def test_source(check: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", *TOOLS[check]], cwd=ROOT, capture_output=True, text=True, check=False
    )

    if answer.returncode:
        pytest.fail(f"{' '.join(TOOLS[check])}\n{answer.stdout}{answer.stderr}", pytrace=False)
