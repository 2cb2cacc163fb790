"""`bench roster` on a small city: everything is filled, and a leave changes no shift but that person's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server import bench
from server.bench import main

SMALL = ["roster", "--json", "--parlours", "3", "--services", "2", "--weeks", "6", "--staff", "12"]


@pytest.mark.parametrize("more", [["--bound-effort", "0.2"], ["--no-solver", "--bound-effort", "0"]])
def test_a_small_city_is_planned_and_planned_again(more: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    code = main([*SMALL, *more])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    figures = {key: figure["value"] for key, figure in result["figures"].items()}
    assert figures["shifts"] > 30
    assert figures["gaps"] == figures["replan_gaps"] == 0
    assert figures["replan_changes"] == figures["replan_least_changes"] > 0
    assert figures["planner"].startswith("greedy" if "--no-solver" in more else "cp_sat")
    if "--no-solver" not in more:
        assert figures["bound_spread_minutes"] <= figures["solver_spread_minutes"] <= figures["spread_minutes"]
    page = Path(bench.__file__).with_name("FIGURES.md").read_text("utf-8")
    assert [key for key in figures if f"`{key}`" not in page] == []
