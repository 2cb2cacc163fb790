"""What a publisher is granted, by the lines of those who see him; in virtual time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from media.adapting import Adapting
from media.core.granting import LEAST_BPS, LOOKS, VOICE_BPS, WIDE_BPS, Share, granted_bps
from media.granting import grant


def test_nobody_is_bound_while_somebody_has_room() -> None:
    assert granted_bps([], 1) is None
    assert granted_bps([None], 1) is None
    assert granted_bps([30_000, None, 80_000], 1) is None


def test_the_best_served_of_narrow_lines_says_how_much() -> None:
    assert granted_bps([30_000, 80_000], 1) == 80_000 + VOICE_BPS
    assert granted_bps([30_000], 2) == 60_000 + VOICE_BPS
    assert granted_bps([30_000], 0) is None


def test_a_wide_line_has_no_bound() -> None:
    share = Share(0.0)
    share.note(40_000, 1, False, 1.0)
    assert share.bps is None


def test_pictures_share_what_a_scarce_line_has_and_none_gets_less_than_a_browser_sends() -> None:
    share = Share(0.0)
    look(share, 120_000, 3)
    assert share.bps == 40_000
    look(share, 20_000, 1)
    assert share.bps == LEAST_BPS


def look(share: Share, budget_bps: int, pictures: int, times: int = LOOKS) -> None:
    for _ in range(times):
        share.note(budget_bps, pictures, True, 0.0)


def test_what_was_measured_binds_at_once() -> None:
    share = Share(0.0)
    look(share, 150_000, 1)
    share.note(30_000, 1, True, 0.0, measured=True)
    assert share.bps == 30_000


def test_a_moment_binds_nobody() -> None:
    share = Share(0.0)
    look(share, 150_000, 1)
    look(share, 30_000, 1, LOOKS - 1)
    assert share.bps == 150_000
    look(share, 30_000, 1, 1)
    assert share.bps == 30_000


def test_a_line_with_enough_for_a_small_picture_binds_nobody_though_it_was_full() -> None:
    share = Share(0.0)
    look(share, WIDE_BPS + 100_000, 1)
    assert share.bps is None


def test_a_bound_grows_away_step_by_step() -> None:
    share = Share(0.0)
    look(share, 100_000, 1)
    seen = []
    for second in range(1, 60):
        share.note(100_000, 1, False, float(second))
        seen.append(share.bps)

    bound = [bps for bps in seen if bps is not None]
    assert all(later <= earlier * 1.06 for earlier, later in itertools.pairwise(bound))
    assert bound == sorted(bound)
    assert bound[-1] < WIDE_BPS
    assert seen[-1] is None, "the bound never ends"


def test_nothing_to_share_changes_nothing() -> None:
    share = Share(0.0)
    share.note(10_000, 0, True, 1.0)
    assert share.bps is None


@dataclass
class Person:
    """As much of a seat as is looked at: two layers of a face, and one slot that shows somebody."""

    name: str
    shows: str
    layers: tuple[str, ...] = ("h", "f")
    adapting: Adapting = field(default_factory=lambda: Adapting(0.0))
    takes: str | None = None

    @property
    def table(self) -> list[Any]:
        return [SimpleNamespace(index=0, occupant=SimpleNamespace(seat=self.shows))]

    @property
    def peer(self) -> Any:
        return SimpleNamespace(pictures=1, downs={1: SimpleNamespace(up=self.takes)})

    def half(self, index: int, kind: str) -> object:
        return (index, kind)

    def up_of(self, source: str) -> tuple[tuple[str, ...], str]:
        return self.layers, source


def told(
    seat: Person, takers: list[tuple[int | None, str | None]], *, recorded: bool = False
) -> tuple[int | None, bool]:
    """What he is granted, and whether the smallest layer shall be smaller. Takers: (share, layer)."""
    others = [Person(f"b{n}", seat.name, takes=layer) for n, (_, layer) in enumerate(takers)]
    for other, (share, _) in zip(others, takers, strict=True):
        other.adapting.share.bps = share
    grant(cast(Any, seat), cast(Any, [seat, *others]), recorded=recorded)
    return seat.adapting.granted_bps, seat.adapting.small


def test_the_smallest_layer_becomes_smaller_where_all_who_have_it_need_it() -> None:
    seat = Person("a", "b0")

    assert told(seat, [(None, "f"), (30_000, None)], recorded=True) == (None, True)
    assert told(seat, [(None, "f"), (120_000, "h")], recorded=True) == (None, True), "it has not become wide yet"
    assert told(seat, [(None, "f"), (160_000, "h")], recorded=True) == (None, False)
    assert told(seat, [(30_000, "h"), (120_000, "h")]) == (120_000 + VOICE_BPS, False)
    assert told(seat, [(30_000, "h"), (40_000, None)]) == (40_000 + VOICE_BPS, True)
    assert told(seat, []) == (None, False)


def test_one_picture_without_layers_follows_what_is_granted_alone() -> None:
    assert told(Person("a", "b0", layers=("",)), [(30_000, "")]) == (30_000 + VOICE_BPS, False)
