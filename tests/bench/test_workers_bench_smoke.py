"""`bench workers` in small: everybody gets in, and nobody is lost with a killed worker."""

from __future__ import annotations

import json

import pytest

from server.bench import main


def test_everybody_comes_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["workers", "--json", "--joins", "6", "--seconds", "1", "--members", "2"])

    figures = {key: figure["value"] for key, figure in json.loads(capsys.readouterr().out)["figures"].items()}
    assert code == 0
    assert (figures["joins"], figures["joins_failed"]) == (6, 0)
    assert (figures["rooms_moved"], figures["rooms_lost"]) == (2, 0)
    assert (figures["people_back"], figures["people_lost"]) == (4, 0)
    assert figures["heard_per_s"] > 0
