"""`bench record` in small, with real workers: all figures are there, and recording costs something."""

from __future__ import annotations

import json

import pytest

from server.bench import main

SMALL = ["record", "--json", "--ours", "python", "--rooms", "1", "--members", "2", "--rounds", "1", "--slice", "0.5"]


def test_all_figures_are_measured(capfd: pytest.CaptureFixture[str]) -> None:
    code = main([*SMALL, "--journal-s", "4", "--session-s", "2"])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    figures = {key: figure["value"] for key, figure in result["figures"].items()}
    assert figures["journal_mb_per_s"] > 0
    assert min(figures[key] for key in ("verify_mb_per_s", "film_copy_x", "film_composed_x")) > 0
    assert result["ratios"]["record/forward"]["rounds"] == 1
