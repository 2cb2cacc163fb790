"""Which worker gets a room, and what is to do about the rooms that workers say they hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


USUAL_SEATS: Final = 3  # a professional, a citizen, and somebody with one of them


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """One worker that answers now."""

    name: str
    incarnation: str
    seats: int
    rooms: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a room by the database: the row of the highest epoch."""

    worker: str
    incarnation: str
    epoch: int


@dataclass(frozen=True, slots=True)
class HeldRoom:
    """A room that a worker says it holds."""

    worker: str
    incarnation: str
    room: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a web process does after it has heard all workers and read the database.

    adopt   rooms that go on as they are; people keep talking
    shut    rooms whose session is over, or whose ownership has passed on
    reopen  rooms of running sessions that no worker holds
    """

    adopt: tuple[HeldRoom, ...]
    shut: tuple[HeldRoom, ...]
    reopen: tuple[str, ...]


def choose(workers: Sequence[WorkerLoad], together_with: str | None) -> str | None:
    """The worker for a new room, or None when none may take it.

    1. where another room of the same session lives: people move between them without a new connection
    2. among those not draining, the one with the least to do, then the first by name; a room counts as a full one before its people
       are there, so that rooms opened in one moment spread too
    """
    by_name = {worker.name: worker for worker in workers}
    if together_with in by_name:
        return together_with
    free = [worker for worker in workers if not worker.draining]
    return (
        min(free, key=lambda worker: (max(worker.seats, USUAL_SEATS * worker.rooms), worker.name)).name
        if free
        else None
    )


def sort_out(held: Iterable[HeldRoom], owners: Mapping[str, Owner | None]) -> Recovery:
    """Compare what workers hold with what the database says.

    owners  every room of a running session, with its current owner
    """
    adopt: dict[str, HeldRoom] = {}
    shut: list[HeldRoom] = []
    for room in held:
        owner = owners.get(room.room)
        is_owner = owner is not None and (owner.worker, owner.incarnation, owner.epoch) == (
            room.worker,
            room.incarnation,
            room.epoch,
        )
        if is_owner:
            adopt[room.room] = room
        else:
            shut.append(room)
    reopen = tuple(room for room in owners if room not in adopt)
    return Recovery(tuple(adopt.values()), tuple(shut), reopen)
