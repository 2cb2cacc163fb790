"""The tools that read the source. Started when the tests begin and asked for at the end: the type checker is slow and needs a core of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

from tests.support.product import ROOT

TOOLS = {
    "format": ("ruff", "format", "--check", "--quiet", "--output-format=concise", "."),
    "lint": ("ruff", "check", "--quiet", "--output-format=concise", "."),
    "types": ("mypy",),
}


class SourceCheck:
    """One tool, running from the moment this is made."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `result`
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, stdout=self._output, stderr=subprocess.STDOUT
        )

    def result(self) -> tuple[int, str]:
        """Exit code and what it wrote."""
        code = self._process.wait()
        with self._output:
            self._output.seek(0)
            return code, self._output.read().decode()


def start_all() -> dict[str, SourceCheck]:
    return {name: SourceCheck(arguments) for name, arguments in TOOLS.items()}
