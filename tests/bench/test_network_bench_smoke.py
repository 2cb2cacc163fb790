"""`bench network` in small: a clean line passes pictures and voice both ways."""

from __future__ import annotations

import json

import pytest

from server.bench import main
from server.testing.browsers import find_chromium


def test_a_clean_line_carries_pictures_and_voice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(find_chromium()))

    for seconds in ("3", "20"):  # a busy machine may show nothing within three seconds
        code = main(["network", "--json", "--seconds", seconds, "--lines", "clean"])
        figures = {key: figure["value"] for key, figure in json.loads(capsys.readouterr().out)["figures"].items()}
        assert code == 0
        if all(figures[f"clean_{way}_fps"] > 0 for way in ("down", "up")):
            break

    for way in ("down", "up"):
        # Whether they are good is for a quiet machine to say: here, that they pass and are measured.
        assert figures[f"clean_{way}_fps"] > 0
        assert figures[f"clean_{way}_gap_s"] >= 0
        assert 0 <= figures[f"clean_{way}_concealed"] < 1
