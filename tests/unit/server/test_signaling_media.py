"""A peer that is gone: what its page is told, and what staff can read of it later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core_stage import CoreStage
from tests.support.transcripts import Transcript

SEATS: dict[str, dict[str, Any]] = {
    "a1": {"role": "in_charge", "name": "王建国"},
    "b1": {"role": "applicant", "name": "王秀兰"},
}


@pytest.mark.parametrize(
    ("cause", "kinds"),
    [
        ("dtls", []),
        ("certificate", ["media_refused"]),
    ],
)
def test_a_path_that_did_not_come_about_is_made_again_and_one_that_was_forged_stands_in_the_log(
    cause: str, kinds: list[str]
) -> None:
    room = CoreStage(Transcript("media", "", False, False, SEATS, ()))
    for seat in SEATS:
        room.stimulate({"from": seat, "say": {"type": "join", "token": f"seat:{seat}"}})
        offer = {"type": "offer", "peer": 1, "revision": 1, "sdp": "v=0", "sources": {"0": "voice"}, "rid": "offer"}
        room.stimulate({"from": seat, "say": offer})
    room.heard, before = {}, len(room.log)

    room.stimulate({"worker": {"event": "peer_state", "seat": "b1", "state": "gone", "cause": cause}})

    assert [message for message in room.heard["b1"] if message["type"] == "rejoin"] == [
        {"type": "rejoin", "why": "media_lost"}
    ]
    assert [(entry.kind, entry.seat) for entry in room.log[before:]] == [(kind, "b1") for kind in kinds]
