"""`bench join` once: the worker must show a visitor a frame, and the running product two people to each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.bench import main


def test_two_people_see_each_other(
    chromium_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(chromium_path))

    code = main(["join", "--json", "--rounds", "1", "--lines", "loopback,far_citizen"])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    assert result["absent"] == {}, shown.err
    figures = {key: figure["value"] for key, figure in result["figures"].items()}
    assert figures["worker_join_ms"] > 0
    assert figures["join_ms"] == max(figures["join_staff_ms"], figures["join_citizen_ms"])
    # Whoever is 100 ms away, each way, cannot have asked and been answered sooner.
    assert figures["far_citizen_join_ms"] > 200
    assert min(figures["join_staff_ms"], figures["join_citizen_ms"]) > 0
    assert result["versions"]["chromium"]
