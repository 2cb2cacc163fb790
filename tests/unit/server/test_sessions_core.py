"""What each role may say in a room and what a seat can become, cell by cell: a change here is a decision."""

from __future__ import annotations

import pytest

from server.sessions import core
from server.sessions.core import SeatRole, SeatState

MAY = {
    "in_charge": "admit refuse remove wait silence end name show_document share_screen",
    "staff": "name show_document share_screen",
    "site_worker": "name show_document share_screen",
    "applicant": "show_document",
    "party": "show_document",
    "interpreter": "",
    "supporter": "",
    "witness": "",
}

#                 invited waiting admitted refused removed left
MOVES = {
    "invited": "        x                 x              x",
    "waiting": "                x         x              x",
    "admitted": "        x                        x       x",
    "refused": "",
    "removed": "",
    "left": "",
}
COLUMNS = {"invited": 0, "waiting": 8, "admitted": 16, "refused": 26, "removed": 33, "left": 41}


@pytest.mark.parametrize("role", [role.value for role in SeatRole])
def test_may_say(role: str) -> None:
    assert list(core.may_say(role)) == MAY[role].split()


@pytest.mark.parametrize("seat", list(SeatState))
def test_seat_moves(seat: SeatState) -> None:
    row = MOVES[seat.value]
    allowed = {to for to, column in COLUMNS.items() if row[column : column + 1] == "x"}

    assert {to.value for to in SeatState if core.can_move(seat, to)} == allowed


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("completed", "done"), ("technical", "done"), ("refused", "done"), ("withdrawn", "done"), ("no_show", "no_show")],
)
def test_ticket_outcome(reason: core.EndReason, outcome: str) -> None:
    assert core.ticket_outcome(reason) == outcome


def test_nobody_is_invited_to_lead() -> None:
    assert {SeatRole.IN_CHARGE, SeatRole.STAFF, SeatRole.APPLICANT} & core.INVITABLE == set()
