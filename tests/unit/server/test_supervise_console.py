"""A reader that does not read must not stop the writer."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from server.supervise import console
from server.supervise.console import Console


class Stalled(io.StringIO):
    """A terminal under Ctrl-S: the first write waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait()
        return super().write(text)


def test_lines_come_out_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    shown = Console()

    for number in range(100):
        shown.write(str(number))
    shown.close()

    assert out.getvalue().split() == [str(number) for number in range(100)]


def test_a_stalled_terminal_costs_lines_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "MAX_WAITING", 10)
    out = Stalled()
    monkeypatch.setattr(sys, "stderr", out)
    shown = Console()

    for number in range(1000):
        shown.write(f"line {number}")
    out.go.set()
    shown.close()

    lines = out.getvalue().splitlines()
    lost = next(line for line in lines if "lines were lost here" in line)
    count = int(lost.split("(")[1].split(" ")[0])
    assert len(lines) - 1 + count == 1000
    assert lines[0] == "line 0"


def test_a_gone_reader_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    shown = Console()

    shown.write("to nobody")
    shown.close()

    shown.write("still to nobody")
