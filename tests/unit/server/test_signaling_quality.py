"""The word for a line: rows of measurements -> what staff read."""

from __future__ import annotations

import pytest

from server.mediaplane.facts import Measured
from server.signaling.messages import Report
from server.signaling.room.quality import judge

FINE = {"loss_up": 0.0, "loss_down": 0.0, "rtt_ms": 20.0, "up_bps": 500_000, "silent_s": 0.0}


@pytest.mark.parametrize(
    ("changed", "report", "word"),
    [
        ({}, None, "good"),
        ({"rtt_ms": None}, None, "good"),
        ({"loss_up": 0.03}, None, "good"),
        ({"loss_up": 0.031}, None, "weak"),
        ({"loss_down": 0.1}, None, "weak"),
        ({"loss_down": 0.101}, None, "bad"),
        ({"rtt_ms": 301.0}, None, "weak"),
        ({"rtt_ms": 801.0}, None, "bad"),
        ({"silent_s": 2.9}, None, "good"),
        ({"silent_s": 3.0}, None, "none"),
        ({"silent_s": 3.0, "loss_up": 1.0}, None, "none"),
        ({}, Report(frozen_ms=501), "weak"),
        ({}, Report(frozen_ms=2001), "bad"),
        ({}, Report(concealed=0.06), "weak"),
        ({}, Report(concealed=0.21), "bad"),
        ({}, Report(fps=3.0), "good"),  # a page may show a slide
    ],
)
def test_word(changed: dict[str, float], report: Report | None, word: str) -> None:
    assert judge(Measured(**(FINE | changed)), report).word == word  # type: ignore[arg-type]


def test_the_figures_go_along() -> None:
    shown = judge(Measured(0.12345, 0.0, 180.0, 300_000, 0.0), Report(fps=9.0, width=640, height=360, frozen_ms=800))

    assert (shown.loss_up, shown.rtt_ms, shown.up_bps) == (0.123, 180.0, 300_000)
    assert (shown.fps, shown.width, shown.height, shown.frozen_ms) == (9.0, 640, 360, 800)
