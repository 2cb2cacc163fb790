"""`python3 -m server bench`: its command line, and what it makes of measured slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server import bench
from server.bench import BENCHES, main
from server.bench.core import HISTOGRAM_SIZE, Ratio
from server.bench.join import JOIN_KEYS, spread
from server.bench.media import Series, result_of, rounds_of
from server.bench.relaying.compare import Watched


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "NAME"),
        (["no-such"], "invalid choice: 'no-such'"),
        (["media", "--peer", "asterisk"], "no such server: asterisk (known: janus, janus-ev1, relay)"),
        (["media", "--rooms", "0"], "a whole number from 1 on, not '0'"),
        (["media", "--members", "one"], "a whole number from 2 on, not 'one'"),
        (["media", "--slice", "soon"], "more than 0 and below 600, not 'soon'"),
        (["media", "--slice", "0"], "more than 0 and below 600"),
        (["media", "--profile", "rot13"], "no such SRTP profile: rot13"),
    ],
)
def test_a_wrong_command_line_is_explained(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(argv)

    assert code == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_nothing_to_measure_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["media", "--ours", "-", "--peer", "-"]) == 1
    assert capsys.readouterr().err == "bench: nothing to measure\n"


def _slice(cpu_s: float, packets: int, loss: float = 0.0) -> dict[str, Any]:
    histogram, arrivals = [0] * HISTOGRAM_SIZE, [0] * HISTOGRAM_SIZE
    histogram[140] = arrivals[120] = packets  # 2**7 and 2**6 us
    return {
        "seconds": 2.0,
        "server_cpu_s": cpu_s,
        "generator_cpu_s": 0.2,
        "window": {"received": packets, "late": 0, "unsent": 0},
        "histogram": histogram,
        "arrivals": arrivals,
        "loss": loss,
        "memory_kib": 90_000,
        "memory_per_participant_kib": 612.4,
    }


def _series(*slices: dict[str, Any]) -> Series:
    return Series({"join_s": 1.0, "srtp_profile": "SRTP_AEAD_AES_128_GCM", "plane": "c"}, dict(enumerate(slices)))


def test_figures_carry_the_server_and_headlines_are_ours() -> None:
    series = {
        "python": _series(_slice(0.2, 20_000), _slice(0.24, 20_000, 0.001)),
        "janus-ev1": _series(_slice(0.5, 20_000), _slice(0.4, 20_000)),
    }

    result = result_of(series, ["python"], {"python/janus": "why"}, {})

    figures = {key: figure.value for key, figure in result.figures.items()}
    assert figures["python_us_per_forwarded_packet"] == 11.0
    assert figures["janus_ev1_us_per_forwarded_packet"] == 22.5
    assert figures["latency_p50_us"] == 128.0
    assert figures["arrival_p99_us"] == 64.0
    assert figures["loss"] == 0.001  # the worst round, not the mean
    assert figures["memory_per_participant_kib"] == 612
    assert figures["srtp_profile"] == "SRTP_AEAD_AES_128_GCM"
    assert result.ratios == {"python/janus-ev1": Ratio(0.5, 0.4, 0.6, 2)}
    assert result.absent == {"python/janus": "why"}


def test_each_round_has_every_server_once_in_an_order_of_its_own() -> None:
    names = {"python", "native", "janus", "janus-ev1"}

    rounds = rounds_of(names, 20, 7)

    assert [sorted(one) for one in rounds] == [sorted(names)] * 20
    assert {one[0] for one in rounds} == {one[-1] for one in rounds} == names
    assert len({tuple(one) for one in rounds}) > 10
    assert rounds_of(sorted(names, reverse=True), 20, 7) == rounds
    assert rounds_of(names, 20, 8) != rounds


def test_a_server_that_forwards_nothing_gives_no_ratio_but_a_reason() -> None:
    series = {"python": _series(_slice(0.2, 20_000)), "janus": _series(_slice(0.2, 0, 1.0))}

    result = result_of(series, ["python"], {}, {})

    assert result.ratios == {}
    assert result.absent == {"python/janus": "no round in which both forwarded packets"}


def test_a_peer_that_is_not_installed_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")

    code = main(["media", "--ours", "-", "--peer", "janus", "--json"])

    assert code == 1  # nothing of our own was asked for either
    assert "janus is not installed; on Debian: apt install janus" in capsys.readouterr().err


def test_every_key_is_explained_in_the_page() -> None:
    page = Path(bench.__file__).with_name("FIGURES.md").read_text()
    series = {name: _series(_slice(0.2, 20_000)) for name in ("python", "janus-ev1")}
    keys = set(result_of(series, ["python"], {}, {}).figures)
    keys |= {key for name in JOIN_KEYS for key in spread(name, [1.0])}
    keys |= {f"browsers_{key}" for key in Watched({0: (1.0, 90, 1.0)}).figures()}

    bare = {key.removeprefix("python_").removeprefix("janus_ev1_") for key in keys}
    missing = {key for key in bare if not any(f"`{name}`" in page for name in (key, *_shortened(key)))}

    assert missing == set()


def _shortened(key: str) -> list[str]:
    return [f"...{ending}" for ending in ("_min", "_max", "_p90", "_rounds") if key.endswith(ending)]
