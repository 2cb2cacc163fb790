"""On a line that cannot carry all faces: whose stays."""

from __future__ import annotations

from media.core.layers import PAUSED, STAYS_S, Picture, allot

FACE = (100_000, 400_000)
ROOM_FOR_ONE, ROOM_FOR_TWO = 150_000, 250_000


def faces(*spoke_at: float | None, shown: tuple[int, ...] = ()) -> list[Picture]:
    return [
        Picture(FACE, 0 if i in shown else PAUSED, spoke_at=float("-inf") if at is None else at)
        for i, at in enumerate(spoke_at)
    ]


def test_who_was_heard_last_is_shown_and_who_never_was_comes_last() -> None:
    assert allot(ROOM_FOR_ONE, faces(10.0, 30.0, None)) == [PAUSED, 0, PAUSED]
    assert allot(ROOM_FOR_TWO, faces(10.0, 30.0, None)) == [0, 0, PAUSED]
    assert allot(ROOM_FOR_TWO, faces(None, 10.0, 30.0)) == [PAUSED, 0, 0]
    assert allot(ROOM_FOR_ONE, faces(None, None)) == [0, PAUSED]


def test_an_exchange_waits_until_it_is_worth_its_key_frame() -> None:
    assert allot(ROOM_FOR_ONE, faces(30.0, 30.0 + STAYS_S - 0.1, shown=(0,))) == [0, PAUSED]
    assert allot(ROOM_FOR_ONE, faces(30.0, 30.0 + STAYS_S + 0.1, shown=(0,))) == [PAUSED, 0]
    assert allot(ROOM_FOR_ONE, faces(None, 30.0, shown=(0,))) == [PAUSED, 0]


def test_a_document_stays_before_who_speaks() -> None:
    speaker, document = faces(30.0)[0], Picture(FACE, sharp=True)

    assert allot(ROOM_FOR_ONE, [speaker, document]) == [PAUSED, 0]


def test_sizes_do_not_follow_who_speaks() -> None:
    one_large = 700_000

    assert allot(one_large, faces(None, 30.0)) == [1, 0]
    assert allot(one_large, faces(30.0, None)) == [1, 0]
    assert allot(ROOM_FOR_ONE, faces(None, 30.0, 31.0), scarce=False) == [0, 0, 0]
