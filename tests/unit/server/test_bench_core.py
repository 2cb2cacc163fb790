"""The arithmetic of benchmarks: paired ratios, percentiles, loss, and the shape of what is printed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.bench.core import (
    HISTOGRAM_SIZE,
    Figure,
    Ratio,
    Result,
    bucket_of,
    extended,
    loss_share,
    paired_ratio,
    percentile_us,
    quantile,
    to_json,
    to_table,
)

RESULT = Result(
    name="media",
    machine={"cpu": "x", "cores": 2},
    versions={"python": "3.11.7"},
    figures={"loss": Figure(0.0, "share"), "srtp_profile": Figure("SRTP_AEAD_AES_128_GCM", "name")},
    ratios={"python/janus": Ratio(0.5, 0.4, 0.6, 5)},
    absent={"python/janus-ev1": "janus is not installed; on Debian: apt install janus"},
)


def test_ratios_are_taken_inside_the_round_not_between_medians() -> None:
    # A noisy neighbour doubles the third round for both: the ratio must not notice.
    ours, peer = {0: 10.0, 1: 12.0, 2: 24.0}, {0: 20.0, 1: 24.0, 2: 48.0}

    assert paired_ratio(ours, peer) == Ratio(0.5, 0.5, 0.5, 3)


def test_a_round_that_only_one_side_has_does_not_count() -> None:
    assert paired_ratio({0: 10.0, 1: 30.0, 2: 9.0}, {0: 20.0, 2: 10.0, 3: 5.0}) == Ratio(0.7, 0.5, 0.9, 2)


@pytest.mark.parametrize("peer", [{}, {1: 3.0}, {0: 0.0}])
def test_no_common_round_gives_no_ratio(peer: dict[int, float]) -> None:
    assert paired_ratio({0: 10.0}, peer) is None


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_percentile_lies_one_bucket_around_the_true_value(latencies: list[float], share: float) -> None:
    histogram = [0] * HISTOGRAM_SIZE
    for latency in latencies:
        histogram[bucket_of(latency)] += 1

    found = percentile_us(histogram, share)

    assert found is not None
    true = quantile(latencies, share)
    assert true * 0.94 - 0.1 <= found <= true * 1.04 + 0.1


def test_percentile_of_nothing_is_none() -> None:
    assert percentile_us([0] * HISTOGRAM_SIZE, 0.5) is None


def test_latency_outside_of_the_histogram_goes_into_its_edges() -> None:
    assert (bucket_of(-3.0), bucket_of(0.2), bucket_of(1e12)) == (0, 0, HISTOGRAM_SIZE - 1)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 3), (0.9, 5), (1.0, 5)])
def test_quantile_is_a_measured_value(share: float, value: float) -> None:
    assert quantile([5, 1, 3, 2, 4], share) == value


def test_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="none were measured"):
        quantile([], 0.5)


@pytest.mark.parametrize(
    ("sequence", "highest", "index"),
    [(11, 10, 11), (9, 10, 9), (0, 65535, 65536), (65535, 65536, 65535), (2, 131070, 131074), (32778, 10, -32758)],
)
def test_sequence_numbers_go_on_over_the_wrap(sequence: int, highest: int, index: int) -> None:
    assert extended(sequence, highest) == index


@pytest.mark.parametrize(
    ("flows", "expected_flows", "share"),
    [
        ([(100, 100), (100, 100)], 2, 0.0),
        ([(100, 90), (100, 100)], 2, 0.05),
        ([(100, 101), (100, 99)], 2, 0.005),  # a late packet of the window before does not hide a loss in another flow
        ([(100, 100)], 2, 0.5),  # one flow never came
        ([], 4, 1.0),
        ([], 0, 0.0),
    ],
)
def test_loss_counts_per_flow(flows: list[tuple[int, int]], expected_flows: int, share: float) -> None:
    assert loss_share(flows, expected_flows) == pytest.approx(share)


def test_json_is_one_line_of_the_agreed_shape() -> None:
    text = to_json(RESULT)

    assert "\n" not in text
    assert json.loads(text) == {
        "name": "media",
        "machine": {"cpu": "x", "cores": 2},
        "versions": {"python": "3.11.7"},
        "figures": {
            "loss": {"value": 0.0, "unit": "share"},
            "srtp_profile": {"value": "SRTP_AEAD_AES_128_GCM", "unit": "name"},
        },
        "ratios": {"python/janus": {"median": 0.5, "min": 0.4, "max": 0.6, "rounds": 5}},
        "absent": {"python/janus-ev1": "janus is not installed; on Debian: apt install janus"},
    }


def test_a_figure_that_is_no_number_cannot_become_json() -> None:
    broken = Result("media", {}, {}, {"loss": Figure(float("nan"), "share")})

    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(broken)


def test_the_table_names_every_figure_ratio_and_absence() -> None:
    table = to_table(RESULT)

    for words in ("bench media", "srtp_profile", "0.500  [0.400 to 0.600, 5 rounds]", "apt install janus"):
        assert words in table
