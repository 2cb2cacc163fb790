"""A swap of a shift: one asks, one takes, the coordinator approves. States, and who may move them when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from schedules.core.model import Interval, PersonId, SiteId, SlotKey


class SwapState(Enum):
    """Where a swap stands."""

    ASKED = "asked"  # somebody wants to give a shift away
    TAKEN = "taken"  # somebody would serve it
    APPROVED = "approved"  # the coordinator agreed: the taker is published
    REFUSED = "refused"  # the coordinator did not agree
    WITHDRAWN = "withdrawn"  # the asker serves after all, or the shift is no longer the asker's


class Step(Enum):
    """What can be done with a swap."""

    TAKE = "take"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


STEPS: dict[tuple[SwapState, Step], SwapState] = {
    (SwapState.ASKED, Step.TAKE): SwapState.TAKEN,
    (SwapState.ASKED, Step.WITHDRAW): SwapState.WITHDRAWN,
    (SwapState.ASKED, Step.REFUSE): SwapState.REFUSED,
    (SwapState.TAKEN, Step.APPROVE): SwapState.APPROVED,
    (SwapState.TAKEN, Step.REFUSE): SwapState.REFUSED,
    (SwapState.TAKEN, Step.WITHDRAW): SwapState.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Swap:
    """One post of one slot that its holder wants to give away."""

    id: str
    site: SiteId
    slot: SlotKey
    post: int
    during: Interval
    asker: PersonId
    taker: PersonId | None
    reason: str
    state: SwapState


def step(swap: Swap, what: Step, now: datetime) -> SwapState | None:
    """The state after this step; None where it cannot be done: not in this state, or the shift has begun."""
    if swap.during.start <= now and what in (Step.TAKE, Step.APPROVE):
        return None
    return STEPS.get((swap.state, what))
