"""What a room of browsers on a server says of it: by frame that was seen, so that falling behind is no saving."""

from __future__ import annotations

from server.bench.core import Figure, paired_ratio
from server.bench.relaying.compare import Watched


def test_cost_is_by_frame_seen_and_a_round_without_one_has_none() -> None:
    watched = Watched({0: (0.5, 250, 5.0), 1: (0.4, 100, 5.0), 2: (0.4, 0, 5.0)})

    assert watched.cost_us() == {0: 2000.0, 1: 4000.0}
    assert watched.figures() == {
        "frames_per_s": Figure(20.0, "1/s"),
        "cpu_share": Figure(0.08, "share"),
        "us_per_frame": Figure(3000.0, "us"),
    }


def test_one_who_saw_nothing_is_compared_with_nobody() -> None:
    ours, relay = Watched({0: (0.1, 400, 5.0)}), Watched({0: (5.0, 0, 5.0)})

    assert paired_ratio(ours.cost_us(), relay.cost_us()) is None
    assert "us_per_frame" not in relay.figures()
