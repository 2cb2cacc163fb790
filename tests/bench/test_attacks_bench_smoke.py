"""`bench attacks` in small: nothing comes back to strangers, impostors see nothing, nothing of ours breaks."""

from __future__ import annotations

import json

import pytest

from server.bench import main
from server.bench.attacking.strangers import STRANGERS
from server.bench.attacks import ATTACKS, KINDS

SHORT = [kind for kind in KINDS if kind != "silence"]  # who falls silent is given up after half a minute


STRANGERS_SENT = 100  # at least, on a busy machine too


def test_attackers_get_nothing_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them for a second or two each. What the two notice is for a quiet machine to say; these are zero on any."""
    code = main(["attacks", "--json", "--seconds", "0.5", "--seed", "7", "--newcomers", "2", "--only", ",".join(SHORT)])

    figures = {key: figure["value"] for key, figure in json.loads(capsys.readouterr().out)["figures"].items()}
    assert code == 0
    assert {kind for kind in ATTACKS if not figures[f"{kind}_sent"]} == set()
    assert {kind for kind in STRANGERS if figures[f"{kind}_sent"] < STRANGERS_SENT} == set()
    assert {kind: share for kind in STRANGERS if (share := figures[f"{kind}_reply_share"])} == {}
    assert (figures["hello_newcomers"], figures["hello_newcomers_in"]) == (2, 2)
    assert figures["impostors_tried"] > 0
    assert figures["impostors_in"] == 0
    assert figures["half_open_half_open"] > 0
    assert "leave_stop_s" in figures
    assert figures["faults"] == 0
