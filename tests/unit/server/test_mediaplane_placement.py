"""Where rooms go, and what is to do about rooms that are somewhere already."""

from __future__ import annotations

import pytest

from server.mediaplane.placement import HeldRoom, Owner, Recovery, WorkerLoad, choose, sort_out

IDLE = WorkerLoad("w0", "i0", seats=0, rooms=0)
BUSY = WorkerLoad("w1", "i1", seats=30, rooms=10)


@pytest.mark.parametrize(
    ("workers", "together_with", "chosen"),
    [
        ([], None, None),
        ([BUSY, IDLE], None, "w0"),
        ([BUSY, IDLE], "w1", "w1"),  # another room of the session is there
        ([BUSY, IDLE], "w9", "w0"),  # and that worker is gone
        ([WorkerLoad("w0", "i", 5, 2), WorkerLoad("w1", "i", 5, 1)], None, "w1"),
        ([WorkerLoad("w0", "i", 0, 3), WorkerLoad("w1", "i", 6, 2)], None, "w1"),  # nine people are on their way to w0
        ([WorkerLoad("w1", "i", 5, 1), WorkerLoad("w0", "i", 5, 1)], None, "w0"),
        ([WorkerLoad("w0", "i", 0, 0, draining=True), BUSY], None, "w1"),
        ([WorkerLoad("w0", "i", 0, 0, draining=True)], None, None),
        (
            [WorkerLoad("w0", "i", 3, 1, draining=True), BUSY],
            "w0",
            "w0",
        ),  # people of one session stay together to the end
    ],
)
def test_choose(workers: list[WorkerLoad], together_with: str | None, chosen: str | None) -> None:
    assert choose(workers, together_with) == chosen


def held(room: str, worker: str = "w0", incarnation: str = "i0", epoch: int = 1) -> HeldRoom:
    return HeldRoom(worker, incarnation, room, epoch)


@pytest.mark.parametrize(
    ("holds", "owners", "expected"),
    [
        ([], {}, Recovery((), (), ())),
        ([held("r1")], {"r1": Owner("w0", "i0", 1)}, Recovery((held("r1"),), (), ())),
        ([held("r1")], {}, Recovery((), (held("r1"),), ())),  # its session is over
        ([held("r1")], {"r1": None}, Recovery((), (held("r1"),), ("r1",))),
        ([held("r1", epoch=1)], {"r1": Owner("w0", "i0", 2)}, Recovery((), (held("r1"),), ("r1",))),
        ([held("r1")], {"r1": Owner("w1", "i1", 2)}, Recovery((), (held("r1"),), ("r1",))),  # fenced off
        (
            [held("r1", incarnation="new")],
            {"r1": Owner("w0", "old", 1)},
            Recovery((), (held("r1", incarnation="new"),), ("r1",)),
        ),
        ([], {"r1": Owner("w0", "i0", 1)}, Recovery((), (), ("r1",))),
        (
            [held("r1", epoch=1), held("r1", "w1", "i1", 2)],
            {"r1": Owner("w1", "i1", 2)},
            Recovery((held("r1", "w1", "i1", 2),), (held("r1", epoch=1),), ()),
        ),
    ],
)
def test_sort_out(holds: list[HeldRoom], owners: dict[str, Owner | None], expected: Recovery) -> None:
    assert sort_out(holds, owners) == expected
