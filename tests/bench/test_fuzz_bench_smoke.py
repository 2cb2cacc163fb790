"""`bench fuzz` in small: it tries inputs, and a broken promise is kept and makes it fail."""

from __future__ import annotations

import json
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.bench import main
from server.bench.fuzz import fuzz
from server.bench.fuzzing.targets import TARGETS
from server.bench.servers import ROOT

# As pyproject.toml asks for it: there it is installed with the other test tools, and missing is a failure.
WHEEL = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
wheel_for_this_machine = pytest.mark.skipif(
    not WHEEL, reason="nothing was fuzzed: atheris has no wheel for this machine"
)


@wheel_for_this_machine
def test_it_says_how_many_inputs_it_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["fuzz", "--json", "--seconds", "1", "--only", "rtcp", "--corpus", f"{tmp_path}", "--crashes", f"{tmp_path}/x"]
    )

    figures = json.loads(capsys.readouterr().out)["figures"]
    assert code == 0
    assert figures["rtcp_inputs"]["value"] > 100
    assert figures["rtcp_edges"]["value"] > 50
    assert figures["crashes"]["value"] == 0


@wheel_for_this_machine
def test_every_other_parser_is_tried(tmp_path: Path) -> None:
    """A second each; the command tries one after the other, here as many at once as there are cores."""
    names = sorted(TARGETS.keys() - {"rtcp"})

    with ThreadPoolExecutor(os.cpu_count()) as some:
        found = dict(zip(names, some.map(lambda name: fuzz(name, tmp_path, tmp_path / "x", 1, 1), names), strict=True))

    assert {name: run.says for name, run in found.items() if run.crash} == {}
    # More than a run begins with; how many is for a quiet machine to say.
    assert {name for name, run in found.items() if run.tried < 10 or run.covered < 10} == set()


@wheel_for_this_machine
def test_a_broken_promise_is_kept_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site file makes the child's parser of RTCP raise what is not documented."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})\nimport media.core.rtcp as broken\n\n\ndef parse_compound(data):\n    raise KeyError(3)\n\n\n"
        "broken.parse_compound = parse_compound\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    found = fuzz("rtcp", tmp_path / "corpus", tmp_path / "crashes", 1, 1)

    assert found.crash is not None
    assert found.crash.parent == tmp_path / "crashes" / "rtcp"
    assert "KeyError" in found.says
