"""`bench media` on the smallest load, with the real worker: something must be forwarded, nothing lost, and the last line is the result."""

from __future__ import annotations

import json

import pytest

from server.bench import main

SMALL = ["media", "--json", "--peer", "-", "--rooms", "1", "--members", "2", "--rounds", "1", "--slice", "0.5"]


@pytest.mark.parametrize("plane", ["auto", "python"])
def test_the_worker_forwards_what_the_generator_sends(plane: str, capfd: pytest.CaptureFixture[str]) -> None:
    code = main([*SMALL, "--plane", plane])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    figures = {key: figure["value"] for key, figure in result["figures"].items()}
    # Two participants, 200 packets a second each. A machine under load may be late, but it cannot forward what was not sent.
    assert 0 < figures["python_forwarded_per_s"] < 500, shown.err
    assert figures["loss"] < 0.01, shown.err
    assert figures["latency_p50_us"] > 0
    assert figures["srtp_profile"].startswith("SRTP_")
    assert figures["generator"] in (("python",) if plane == "python" else ("c", "python"))
    assert result["name"] == "media"
    assert result["ratios"] == {}
