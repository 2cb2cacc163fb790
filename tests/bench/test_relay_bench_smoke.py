"""`bench media --peer relay` in small: three people in Chromium see one another on our worker and on aiortc's MediaRelay."""

from __future__ import annotations

import json

import pytest

from server.bench import main
from server.bench.servers import LOOPBACK, own_address
from server.testing.browsers import find_chromium

SMALL = [
    "--ours",
    "python",
    "--rooms",
    "1",
    "--members",
    "2",
    "--rounds",
    "1",
    "--slice",
    "0.5",
    "--browser-slice",
    "1",
]


def test_a_room_of_three_browsers_is_seen_on_both(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(find_chromium()))

    code = main(["media", "--json", "--peer", "relay", *SMALL])

    shown = capfd.readouterr()
    assert code == 0, shown.err
    result = json.loads(shown.out.splitlines()[-1])
    if own_address() == LOOPBACK:  # then it is said that aiortc cannot be reached here, and nothing is claimed
        assert "loopback" in result["absent"]["python/relay"]
        return
    assert result["absent"] == {}, shown.err
    for server in ("python", "relay"):
        # How much is for a quiet machine to say: here, that pictures pass and are measured.
        assert result["figures"][f"{server}_browsers_frames_per_s"]["value"] > 0, shown.err
        assert result["figures"][f"{server}_browsers_cpu_share"]["value"] > 0
    assert result["ratios"]["python/relay"]["rounds"] == 1
