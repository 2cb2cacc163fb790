"""From a person's measured line to a word that staff understand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from server.signaling.messages import LineQuality

if TYPE_CHECKING:
    from server.mediaplane.facts import Measured
    from server.signaling.messages import Report

Word = Literal["good", "weak", "bad", "none"]

# Speech stays easy to follow below 3 % loss; above 10 % staff are to act (the alert threshold of the staff desk).
WEAK_LOSS, BAD_LOSS = 0.03, 0.10
# ITU-T G.114: one way above 150 ms is noticed, above 400 ms talking breaks down; twice that is the way there and back.
WEAK_RTT_MS, BAD_RTT_MS = 300.0, 800.0
# Of the five seconds between two reports of a page.
WEAK_FROZEN_MS, BAD_FROZEN_MS = 500, 2000
WEAK_CONCEALED, BAD_CONCEALED = 0.05, 0.20
SILENT_S = 3.0  # nothing received for so long: no line at all
# Windows of two seconds, ten seconds in all: the desk looks only every fifteen, and at about the limit each window says something else.
HELD_WINDOWS = 5


def judge(measured: Measured, report: Report | None) -> LineQuality:
    """The word for a line, from the worker's figures and the page's own last report."""
    return LineQuality(
        word=_word(measured, report),
        loss_up=round(measured.loss_up, 3),
        loss_down=round(measured.loss_down, 3),
        rtt_ms=measured.rtt_ms,
        up_bps=measured.up_bps,
        fps=report.fps if report else None,
        width=report.width if report else None,
        height=report.height if report else None,
        frozen_ms=report.frozen_ms if report else 0,
    )


def held_losses(before: tuple[float, ...], measured: Measured) -> tuple[float, ...]:
    """The losses of the last windows, the newest last: the worse direction, a share of 1. The desk goes by the worst of them."""
    return (*before, max(measured.loss_up, measured.loss_down))[-HELD_WINDOWS:]


def _word(measured: Measured, report: Report | None) -> Word:
    if measured.silent_s >= SILENT_S:
        return "none"
    loss = max(measured.loss_up, measured.loss_down)
    rtt = measured.rtt_ms or 0.0
    frozen = report.frozen_ms if report else 0
    concealed = report.concealed if report else 0.0
    if loss > BAD_LOSS or rtt > BAD_RTT_MS or frozen > BAD_FROZEN_MS or concealed > BAD_CONCEALED:
        return "bad"
    if loss > WEAK_LOSS or rtt > WEAK_RTT_MS or frozen > WEAK_FROZEN_MS or concealed > WEAK_CONCEALED:
        return "weak"
    return "good"
