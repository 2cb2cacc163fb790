"""What is recorded, what a Range means, when a job is tried again."""

from __future__ import annotations

import pytest

from server.recordings.core import (
    MAX_ATTEMPTS,
    Part,
    RangeRefused,
    Recorded,
    is_agreed,
    may_ask_consent,
    part_of,
    policy_of,
    records_from_start,
    retry_after,
    state_shown,
)


@pytest.mark.parametrize(
    ("procedure", "room", "recorded"),
    [
        ("notarization", "joint", Recorded.ALWAYS),
        ("notarization", "waiting", Recorded.NEVER),
        ("mediation", "joint", Recorded.BY_CONSENT),
        ("mediation", "caucus", Recorded.NEVER),
        ("legal_aid", "joint", Recorded.NEVER),
        ("legal_advice", "joint", Recorded.NEVER),
        ("something_new", "joint", Recorded.NEVER),
    ],
)
def test_the_procedure_decides_what_is_recorded(procedure: str, room: str, recorded: Recorded) -> None:
    assert policy_of(procedure, room).recorded is recorded


@pytest.mark.parametrize("procedure", ["notarization", "mediation", "legal_aid", "legal_advice"])
def test_rooms_are_opened_by_the_same_policy(procedure: str) -> None:
    assert records_from_start(procedure) == (policy_of(procedure, "joint").recorded is Recorded.ALWAYS)
    assert may_ask_consent(procedure) == (procedure == "mediation")


@pytest.mark.parametrize(
    ("answers", "here", "agreed"),
    [
        ({}, [], False),
        ({"b": "given", "c": "given"}, [("b", "applicant"), ("c", "party")], True),
        ({"b": "given", "c": "asked"}, [("b", "applicant"), ("c", "party")], False),
        ({"b": "given", "c": "refused"}, [("b", "applicant"), ("c", "party")], False),
        ({"b": "given"}, [("b", "applicant")], False),  # one side alone
        ({"b": "given", "c": "given"}, [("b", "applicant"), ("c", "applicant")], False),
        ({"b": "given", "c": "given"}, [("b", "applicant"), ("c", "party"), ("d", "witness")], False),
        ({"b": "given", "c": "given", "d": "given"}, [("b", "applicant"), ("c", "party"), ("d", "witness")], True),
        ({"b": "given", "c": "given", "d": "refused"}, [("b", "applicant"), ("c", "party")], True),  # d has gone
    ],
)
def test_a_room_by_consent_needs_both_sides_and_everybody_here(
    answers: dict[str, str], here: list[tuple[str, str]], agreed: bool
) -> None:
    assert is_agreed(answers, here) is agreed


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", Part(0, 100)),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 20)),
        ("bytes=90-500", Part(90, 100)),
        ("bytes=-5", Part(95, 100)),
        ("bytes=-500", Part(0, 100)),
        ("bytes=-", None),
        ("bytes=20-10", None),  # not a range at all: everything
        ("bytes=0-1,5-6", None),
        ("pages=1-2", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges(header: str | None, part: Part | None) -> None:
    assert part_of(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(RangeRefused, match=r"bytes \*/100"):
        part_of(header, 100)


def test_a_failed_job_waits_longer_each_time_and_then_for_a_person() -> None:
    waits = [retry_after(attempts) for attempts in range(1, MAX_ATTEMPTS + 1)]

    seconds = [None if wait is None else wait.total_seconds() for wait in waits]
    assert seconds == [5, 20, 80, 320, None]


def test_states_as_people_see_them() -> None:
    assert [state_shown("waiting", job) for job in (None, "waiting", "running")] == ["waiting", "waiting", "making"]
    assert state_shown("ready", "done") == "ready"
