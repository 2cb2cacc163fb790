"""`bench queue` once, small: every ticket is handed out once, and both rates are there with their ratio."""

from __future__ import annotations

import json

import pytest

from server.bench import main


def test_both_hand_out_everything(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["queue", "--json", "--rounds", "1", "--tickets", "200"])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    assert result["ratios"]["call_next/skip_locked"]["rounds"] == 1
    assert min(result["figures"][key]["value"] for key in ("call_next", "skip_locked", "whole_call_ms")) > 0
