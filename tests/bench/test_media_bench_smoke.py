"""`bench media` on the smallest load, with the real worker: something must be forwarded, nothing lost, and the last line is the result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.bench import main
from server.bench.servers import LOOPBACK, own_address
from tests.support.tools import program

SMALL = ["media", "--json", "--peer", "-", "--rooms", "1", "--members", "2", "--rounds", "1", "--slice", "0.5"]


def test_the_worker_forwards_what_the_generator_in_python_sends(capfd: pytest.CaptureFixture[str]) -> None:
    code = main([*SMALL, "--plane", "python"])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    figures = {key: figure["value"] for key, figure in result["figures"].items()}
    # Two participants, 200 packets a second each. A machine under load may be late, but it cannot forward what was not sent.
    assert 0 < figures["python_forwarded_per_s"] < 500, shown.err
    assert figures["loss"] < 0.01, shown.err
    assert figures["latency_p50_us"] > 0
    assert figures["srtp_profile"].startswith("SRTP_")
    assert figures["generator"] == "python"
    assert result["name"] == "media"
    assert result["ratios"] == {}


def test_both_paths_are_compared_with_janus_round_by_round(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Debian's Janus, with a thread for each handle and with one loop. How much is for a quiet machine to say."""
    folder = Path(program("janus")).parent
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    if own_address() == LOOPBACK:
        pytest.skip("Janus was not compared: it offers no candidate on loopback, and this machine has no other network")
    small = ["--rooms", "1", "--members", "2", "--rounds", "2", "--slice", "0.5"]

    code = main(["media", "--json", "--ours", "native,python", "--peer", "janus,janus-ev1", *small])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    assert result["absent"] == {}
    assert result["figures"]["generator"]["value"] == "c"
    assert result["figures"]["loss"]["value"] < 0.01, shown.err
    pairs = {f"{own}/{peer}" for own in ("native", "python") for peer in ("janus", "janus-ev1")}
    assert result["ratios"].keys() == pairs
    assert all(ratio["rounds"] == 2 and ratio["min"] > 0 for ratio in result["ratios"].values())
    assert result["versions"]["janus"] != "not installed"
