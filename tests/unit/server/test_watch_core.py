"""What the desk is told of running sessions: each alert with what raises it and what does not, and a loss that is held for a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from server.mediaplane.facts import Measured
from server.signaling.homes.seeing import look
from server.signaling.messages import Report
from server.signaling.room import media
from server.signaling.room.session import LOW_SPACE, Recording
from server.watch.core import Alert, Present, Running, alerts
from tests.support.core_stage import ROOM, CoreStage
from tests.support.transcripts import Transcript

OPENED = dt.datetime(2026, 9, 21, 1, 0, tzinfo=dt.UTC)
NOTARY = Present("a1", "in_charge", "李婉清", "connected")
CITIZEN = Present("b1", "applicant", "王秀兰", "connected")
FINE = Running("s1", "live", OPENED, "recording", people=(NOTARY, CITIZEN))
WAITS = replace(FINE, state="open", people=(NOTARY, replace(CITIZEN, state="expected")))


def with_citizen(**changed: Any) -> Running:
    return replace(FINE, people=(NOTARY, replace(CITIZEN, **changed)))


@pytest.mark.parametrize(
    ("session", "after_s", "raised"),
    [
        (FINE, 3600, []),
        (replace(FINE, recording="failed"), 0, [Alert("recording_failed")]),
        (replace(FINE, is_space_low=True), 0, [Alert("low_space")]),
        (replace(FINE, is_gone=True), 0, [Alert("citizen_gone")]),
        (
            replace(FINE, people=(replace(NOTARY, state="reconnecting"), CITIZEN)),
            0,
            [Alert("suspended"), Alert("disconnected", "a1")],
        ),
        (replace(FINE, people=(replace(NOTARY, state="out"), CITIZEN)), 0, [Alert("suspended")]),
        (replace(FINE, state="open", people=(replace(NOTARY, state="expected"), CITIZEN)), 0, []),
        (replace(FINE, people=(replace(NOTARY, state="out"), replace(NOTARY, seat="a2"), CITIZEN)), 0, []),
        (WAITS, 119, []),
        (WAITS, 120, [Alert("nobody_came")]),
        (replace(WAITS, is_gone=True), 120, [Alert("citizen_gone")]),
        (with_citizen(state="reconnecting"), 0, [Alert("disconnected", "b1")]),
        (with_citizen(lacks=("face",)), 0, [Alert("device_failed", "b1")]),
        (with_citizen(state="out", lacks=("face",), loss=0.5), 0, []),
        (with_citizen(loss=0.10), 0, []),
        (with_citizen(loss=0.101), 0, [Alert("loss", "b1")]),
    ],
)
def test_what_needs_somebody(session: Running, after_s: int, raised: list[Alert]) -> None:
    assert alerts(session, OPENED + dt.timedelta(seconds=after_s)) == raised


@pytest.fixture
def stage() -> CoreStage:
    return CoreStage(Transcript("watch", "", False, False, {"a1": {"role": "in_charge", "name": "李婉清"}}, ()))


def measure(stage: CoreStage, loss_up: float, loss_down: float) -> None:
    media.on_measured(stage.session, ROOM, {"a1": Measured(loss_up, loss_down, 20.0, 500_000, 0.0)}, stage.now)


@pytest.mark.parametrize(("up", "down"), [(0.101, 0.0), (0.0, 0.101)])
def test_a_loss_of_either_way_is_seen_for_ten_seconds(stage: CoreStage, up: float, down: float) -> None:
    seen = []
    for window in [(0.02, 0.03), (up, down), *[(0.01, 0.0)] * 5]:
        measure(stage, *window)
        seen.append(look(stage.session).people["a1"].loss)

    assert seen == [0.03, *[0.101] * 5, 0.01]


def test_how_a_session_is_seen(stage: CoreStage) -> None:
    quiet = look(stage.session)
    stage.session.set_recording(ROOM, Recording("recording", 1.0, LOW_SPACE))
    stage.session.people["a1"].report = Report(lacks=["face"])
    seen = look(stage.session)

    assert (quiet.recording, quiet.is_low, quiet.people["a1"].loss, quiet.people["a1"].lacks) == (
        "none",
        False,
        0.0,
        (),
    )
    assert (seen.recording, seen.is_low, seen.people["a1"].lacks) == ("recording", True, ("face",))
