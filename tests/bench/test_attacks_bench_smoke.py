"""`bench attacks` in small: nothing comes back to strangers, newcomers get in, nothing of ours breaks."""

from __future__ import annotations

import json

import pytest

from server.bench import main


def test_strangers_get_nothing_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["attacks", "--json", "--seconds", "1", "--only", "hello", "--newcomers", "2"])

    figures = {key: figure["value"] for key, figure in json.loads(capsys.readouterr().out)["figures"].items()}
    assert code == 0
    assert figures["hello_sent"] > 1000
    assert figures["hello_reply_share"] == 0
    assert (figures["hello_newcomers"], figures["hello_newcomers_in"]) == (2, 2)
    assert figures["faults"] == 0
