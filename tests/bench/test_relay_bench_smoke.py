"""`bench media --peer relay` in small: three people in Chromium see one another on our worker and on aiortc's MediaRelay."""

from __future__ import annotations

import json

import pytest

from server.bench import main
from server.bench.servers import LOOPBACK, own_address
from server.testing.browsers import find_chromium

SERVERS, FIGURES = ("python", "relay"), ("frames_per_s", "cpu_share")
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
]
# Everybody has seen everybody before a slice begins; a busy machine may show nobody anything within its second.
BROWSER_SLICES_S = ("1", "5", "20")


def test_a_room_of_three_browsers_is_seen_on_both(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(find_chromium()))

    for seconds in BROWSER_SLICES_S:
        code = main(["media", "--json", "--peer", "relay", *SMALL, "--browser-slice", seconds])

        shown = capfd.readouterr()
        assert code == 0, shown.err
        result = json.loads(shown.out.splitlines()[-1])
        if own_address() == LOOPBACK:
            assert "loopback" in result["absent"]["python/relay"]
            pytest.skip(
                "aiortc was not compared: it is never reached over loopback, and this machine has no other network"
            )
        assert result["absent"] == {}, shown.err
        assert result["ratios"]["python/relay"]["rounds"] == 1
        # How much is for a quiet machine to say: here, that pictures pass and are measured.
        measured = [result["figures"][f"{server}_browsers_{what}"]["value"] for server in SERVERS for what in FIGURES]
        if all(value > 0 for value in measured):
            return
    raise AssertionError(f"no pictures within {BROWSER_SLICES_S} s: {measured}\n{shown.err}")
