"""Every transcript against the sans-IO session; the same files run through real WebSockets in tests/integration/test_room_transcripts.py."""

from __future__ import annotations

import pytest

from tests.support.core_stage import CoreStage
from tests.support.transcripts import Step, Transcript, all_transcripts, check

TRANSCRIPTS = all_transcripts()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_transcript(transcript: Transcript) -> None:
    CoreStage(transcript).play()


def test_every_client_message_is_said_in_a_transcript() -> None:
    said = {
        step.stimulus["say"]["type"]
        for transcript in TRANSCRIPTS
        for step in transcript.steps
        if "say" in step.stimulus
    }

    assert said == {
        "join",
        "offer",
        "mute",
        "leave",
        "admit",
        "refuse",
        "remove",
        "silence",
        "end",
        "name",
        "ask_consent",
        "caucus",
        "move",
        "recall",
        "show_document",
        "share_screen",
        "stop_showing",
        "consent",
        "report",
        "ping",
    }


def test_every_server_message_is_heard_in_a_transcript() -> None:
    heard = {
        line["hear"]["type"]
        for transcript in TRANSCRIPTS
        for step in transcript.steps
        for line in step.heard
        if "hear" in line
    }

    assert heard == {
        "welcome",
        "waiting",
        "answer",
        "slots",
        "layers",
        "speaking",
        "person",
        "quality",
        "recording",
        "consents",
        "rejoin",
        "closed",
        "error",
        "pong",
    }


def test_a_transcript_that_is_not_true_fails() -> None:
    transcript = TRANSCRIPTS[0]
    step = Step(2, {}, ({"to": "a1", "hear": {"type": "closed", "why": "ended"}},))

    with pytest.raises(AssertionError, match="expected 'ended', heard 'left'"):
        check(transcript, step, {"a1": [{"type": "closed", "why": "left"}]})
    with pytest.raises(AssertionError, match="another number of messages"):
        check(transcript, step, {})


def test_what_happened_is_logged_in_order() -> None:
    transcript = next(transcript for transcript in TRANSCRIPTS if transcript.name == "third_person")
    stage = CoreStage(transcript)

    stage.play()

    kinds = [(entry.kind, entry.seat) for entry in stage.log if entry.seat in ("c1", "d1")]
    assert kinds == [
        ("waiting", "c1"),
        ("waiting", "c1"),
        ("admitted", "c1"),
        ("media_connected", "c1"),
        ("waiting", "d1"),
        ("refused", "d1"),
        ("silenced", "c1"),
        ("removed", "c1"),
    ]
