"""When a child is started again, how loudly, and in which order all are stopped. No clock, no process.

The rule for a child that ended although nobody asked it to:

1. it had been well for `healthy_s`        start it at once: a single crash should cost nothing but the start
2. it keeps ending                         wait before each further start, twice as long each time; at most `longest_wait_s`, but only
                                           `longest_wait_after_ready_s` when it had become ready: then it serves people in between
3. `loud_after` ends in a row              say so loudly, at every further end, with what it last wrote
4. it says that starting again is no use   (exit code EX_CONFIG) and it has never been ready: give up, stop everything
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

EX_UNAVAILABLE = 69  # sysexits.h: something it needs is away; it may come back
EX_CONFIG = 78  # sysexits.h: something is configured in an unusable way


class Stage(Enum):
    """Order of stopping: who needs another one goes first."""

    WEB = 0  # answers what it has, closes its connections
    MEDIA = 1  # closes the journals
    DATABASE = 2  # nobody writes any more


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds, and counts of ends in a row.

    start_timeout_s  from the start of the process until it says that it is ready
    grace_s          from the request to stop until it is killed
    """

    healthy_s: float = 10.0  # longer than any failure right after a start takes to show
    first_wait_s: float = 0.5
    longest_wait_s: float = 15.0  # a town clerk who repairs the cause should not wait longer than that
    longest_wait_after_ready_s: float = 2.0  # people reconnect within 5 s (reliability.md 1.4)
    loud_after: int = 3
    start_timeout_s: float = 60.0
    grace_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """What happened to one child so far.

    ends        ends in a row without a healthy time in between
    was_ready   True once it has been ready at least one time since we run
    """

    ends: int = 0
    was_ready: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Start it again after `wait_s` seconds; `loud`: it is a crash loop."""

    wait_s: float
    loud: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Starting it again cannot help."""


def after_end(
    record: Record, code: int, ready_at: float | None, policy: Policy, now: float
) -> tuple[Record, Again | GiveUp]:
    """Decide after an end that nobody asked for.

    code      exit code, negative for a signal
    ready_at  monotonic seconds at which this run became ready; None: it never did
    now       monotonic seconds
    """
    was_ready = record.was_ready or ready_at is not None
    if code == EX_CONFIG and not was_ready:
        return record, GiveUp()
    was_healthy = ready_at is not None and now - ready_at >= policy.healthy_s
    ends = 1 if was_healthy else record.ends + 1
    longest = policy.longest_wait_s if ready_at is None else policy.longest_wait_after_ready_s
    return Record(ends, was_ready), Again(
        _wait_after(ends, policy.first_wait_s, longest), loud=ends >= policy.loud_after
    )


def _wait_after(ends: int, first_s: float, longest_s: float) -> float:
    """None after the first end in a row, then doubling."""
    if ends <= 1:
        return 0.0
    doublings = min(ends - 2, 30)  # beyond that only the cap counts, and floats stay small
    return min(first_s * 2.0**doublings, longest_s)


def kill_after(asked: int, stage: Stage, policy: Policy) -> float:
    """How long a stage may take to stop, in seconds, after `asked` requests to stop (a second Ctrl-C is impatient).

    PostgreSQL always gets its time: it writes a checkpoint, and killing it would only move that work to the next start.
    """
    if stage is Stage.DATABASE:
        return policy.grace_s * 6 if asked <= 1 else policy.grace_s
    return policy.grace_s if asked <= 1 else 0.0
