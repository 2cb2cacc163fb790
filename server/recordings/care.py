"""How long a recording is kept, what holds it, and how it ends: its key is destroyed by two people, and a signed certificate says so.

The encrypted journal stays, and its chain can still be checked: that something was recorded is not forgotten, only what was said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from server import audit
from server.access.core import Action, Actor
from server.access.require import require_session
from server.db.statements import load_statements
from server.errors import Conflict, NotFound
from server.evidence import store as anchors
from server.evidence.signing import Authority, sign

if TYPE_CHECKING:
    from server.db import Connection

_SQL = load_statements(__package__, "care.sql")


@dataclass(frozen=True, slots=True)
class Retention:
    """So many years from the session's end, and whose rule that is."""

    years: int
    source: str


_TEN_YEARS = Retention(
    10,
    "US remote notarization: Florida, Montana MCA 1-5-618, D.C. 17 DCMR 2420; no published rule here (product rules B0.1)",
)
_DEFAULT = Retention(10, "no rule is known: the longest one")
# (procedure, slug of a site or "*"). A row of a site beats the general one, and holds for all places below it.
RETENTION: Final[dict[tuple[str, str], Retention]] = {
    ("notarization", "*"): _TEN_YEARS,
    ("mediation", "*"): Retention(3, "as the minutes of people's mediation; to be set by each bureau"),
}


def retention_of(procedure: str, site_path: tuple[str, ...]) -> Retention:
    """The rule for a session; site_path are slugs from its own site upwards. Pure."""
    for place in (*site_path, "*"):
        if (procedure, place) in RETENTION:
            return RETENTION[(procedure, place)]
    return _DEFAULT


def due_at(ended_at: datetime, rule: Retention) -> datetime:
    """The first moment at which it may be destroyed. Pure; 29 February becomes 1 March."""
    try:
        return ended_at.replace(year=ended_at.year + rule.years)
    except ValueError:
        return ended_at.replace(year=ended_at.year + rule.years, month=3, day=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording as far as its care goes."""

    session: str
    procedure: str
    state: str
    ended_at: datetime | None
    site_path: tuple[str, ...]
    held_at: datetime | None
    asked_by: str | None
    asked_at: datetime | None
    reason: str | None

    @property
    def rule(self) -> Retention:
        return retention_of(self.procedure, self.site_path)

    def why_not(self, now: datetime) -> str | None:
        """The error code that forbids destroying it now; None: nothing does. A hold wins over everything."""
        if self.state == "destroyed":
            return "recording_destroyed"
        if self.held_at is not None:
            return "recording_held"
        if self.ended_at is None or now < due_at(self.ended_at, self.rule):
            return "recording_not_due"
        return None


async def hold(conn: Connection, actor: Actor, session: str, reason: str, now: datetime) -> None:
    """From now on nobody destroys it. Raises NotFound, NotAllowed, Conflict."""
    await require_session(conn, actor, Action.HOLD_RECORDING, session)
    kept = await _kept(conn, session)
    if kept.state == "destroyed":
        raise Conflict("recording_destroyed")
    await conn.execute(_SQL["hold"], session, actor.id, reason, now)
    await audit.append(conn, actor, "hold_recording", "session", session, now)


async def release(conn: Connection, actor: Actor, session: str, now: datetime) -> None:
    """The hold ends; so does a request that was made before it. Raises NotFound, NotAllowed."""
    await require_session(conn, actor, Action.HOLD_RECORDING, session)
    await _kept(conn, session)
    await conn.execute(_SQL["release"], session)
    await audit.append(conn, actor, "release_recording", "session", session, now)


async def due(conn: Connection, actor: Actor, now: datetime) -> list[Kept]:
    """The dry run: what could be destroyed now at the actor's sites."""
    sites = [grant.site_id for grant in actor.grants if grant.role in ("administrator", "coordinator")]
    rows = [_of_row(row) for row in await conn.fetch(_SQL["ended_at_sites"], sites)]
    return [kept for kept in rows if kept.why_not(now) is None]


async def destroy(
    conn: Connection, actor: Actor, session: str, reason: str, authority: Authority, now: datetime
) -> bool:
    """The first person asks, another one agrees; then the key is gone. True when it was destroyed now.

    Raises  NotFound, NotAllowed, Conflict (held, not due, the same person twice).
    """
    await require_session(conn, actor, Action.DESTROY_RECORDING, session)
    kept = await _kept(conn, session)
    if code := kept.why_not(now):
        raise Conflict(code)
    if kept.asked_by is None:
        await conn.execute(_SQL["ask"], session, actor.id, reason, now)
        await audit.append(conn, actor, "ask_to_destroy_recording", "session", session, now)
        return False
    if kept.asked_by == actor.id:
        raise Conflict("second_person_needed")
    heads = {one.room: one.imprint for one in await anchors.anchors(conn, session)}
    certificate = _certificate(kept, str(actor.id), heads, now)
    signature = await sign(authority.identity, certificate.encode())
    await conn.execute(_SQL["agree"], session, actor.id, now, certificate, signature)
    await conn.execute(_SQL["destroy_key"], session)
    await audit.append(conn, actor, "destroy_recording", "session", session, now)
    return True


def _certificate(kept: Kept, agreed_by: str, heads: dict[str, str], now: datetime) -> str:
    """What is signed: identifiers and times, no names."""
    facts = {
        "laizuo": "destruction", "format": 1, "session": kept.session, "procedure": kept.procedure, "heads": heads,
        "kept_until": due_at(kept.ended_at, kept.rule).isoformat() if kept.ended_at else None, "years": kept.rule.years,
        "source": kept.rule.source, "reason": kept.reason, "asked_by": kept.asked_by, "agreed_by": agreed_by,
        "asked_at": kept.asked_at.isoformat() if kept.asked_at else None, "destroyed_at": now.isoformat(),
        "method": "the only copy of the session's key was deleted; what it encrypted cannot be read again",
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


async def certificate(conn: Connection, actor: Actor, session: str) -> tuple[str, bytes]:
    """(the certificate, its CMS signature). Raises NotFound, NotAllowed."""
    await require_session(conn, actor, Action.DESTROY_RECORDING, session)
    row = await conn.fetchrow(_SQL["certificate"], session)
    if row is None:
        raise NotFound()
    return row["certificate"], row["signature"]


async def _kept(conn: Connection, session: str) -> Kept:
    """Locked, so that a hold and a destruction never cross. Raises NotFound."""
    await conn.execute(_SQL["lock"], session)
    row = await conn.fetchrow(_SQL["kept"], session)
    if row is None:
        raise NotFound()
    return _of_row(row)


def _of_row(row: Any) -> Kept:
    return Kept(**{**row, "site_path": tuple(row["site_path"])})
