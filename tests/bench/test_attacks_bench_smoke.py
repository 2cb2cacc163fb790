"""`bench attacks` in small: nothing comes back to strangers, impostors see nothing, who left is sent nothing, nothing of ours breaks."""

from __future__ import annotations

import json

import pytest

from server.bench import main

ONLY = "hello,feedback,impostors,leave"


def test_attackers_get_nothing_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["attacks", "--json", "--seconds", "1", "--seed", "7", "--only", ONLY, "--newcomers", "2"])

    figures = {key: figure["value"] for key, figure in json.loads(capsys.readouterr().out)["figures"].items()}
    assert code == 0
    assert figures["hello_sent"] > 1000
    assert figures["hello_reply_share"] == 0
    assert (figures["hello_newcomers"], figures["hello_newcomers_in"]) == (2, 2)
    assert figures["feedback_sent"] > 100
    assert figures["feedback_reply_share"] < 3
    assert figures["impostors_tried"] > 0
    assert figures["impostors_in"] == 0
    assert "leave_stop_s" in figures
    assert figures["faults"] == 0
