"""The solver's layer of a draft. Solving takes seconds, so it happens between two transactions: what was solved is laid over the draft only
if the draft is still the one that was solved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedules.core.balance.problem import PLAN, REPLAN, Aims, pose
from schedules.core.model import SiteId
from schedules.core.release import State
from schedules.solve.answer import Question
from schedules.store import days, drafts, inputs, proposals, releases
from server import audit
from server.access.core import Action
from server.access.require import require_site
from server.db.pool import in_transaction
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.core.balance.problem import Entry, Problem
    from schedules.core.model import SlotKey
    from schedules.core.release import Release
    from schedules.solve.answer import Answer, Effort
    from server.access.core import Actor
    from server.db import Connection, Pool
    from server.duty.planning.running import Planners, Work


async def balance(
    pool: Pool, planners: Planners, actor: Actor, site_id: str, seen: int, effort: Effort, now: datetime, *, keep: bool
) -> tuple[int, Answer]:
    """Solve the draft and lay the answer over it; the new revision and what was found.

    keep    least change against what is public, before evenness
    Raises  Conflict('stale_draft') when the draft is another by now, Conflict('planner_works'), Conflict('planner_stopped'),
            NotFound, NotAllowed
    """
    async with pool.acquire() as conn:
        site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
        problem = await _pose(conn, SiteId(site.id), seen)
    aims: Aims = REPLAN if keep else PLAN
    answer = await planners.plan(site.id, Question(problem, aims, effort), now)

    async def work(conn: Connection) -> int:
        revision = await drafts.raise_revision(conn, SiteId(site.id), seen, now, actor.id)
        if revision is None:
            raise Conflict("stale_draft")
        await proposals.save_proposal(conn, SiteId(site.id), answer.proposal(), answer.facts(), now, actor.id)
        detail = {"planner": answer.planner, "seed": answer.seed, "gaps": answer.score.gaps}
        await audit.append(conn, actor, "balance_roster", "site", site.id, now, detail)
        return revision

    return await in_transaction(pool, work), answer


async def work_at(conn: Connection, planners: Planners, actor: Actor, site_id: str) -> Work | None:
    """The planner that works on a site's draft now. Raises NotFound, NotAllowed."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    return planners.at(site.id)


async def stop(conn: Connection, planners: Planners, actor: Actor, site_id: str) -> None:
    """End it; the draft stays as it is. Raises NotFound where none works, NotAllowed."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    if not planners.stop(site.id):
        raise NotFound()


async def _pose(conn: Connection, site: SiteId, seen: int) -> Problem:
    roster = await drafts.load_roster(conn, site)
    if roster is None:
        raise NotFound("no_roster")
    if roster.revision != seen:
        raise Conflict("stale_draft")
    facts = await inputs.load_inputs(conn, roster, await days.load_calendar(conn))
    return pose([facts], published_seats(await releases.load_release(conn, site)))


def published_seats(public: Release | None) -> dict[SlotKey, Entry]:
    """Who is public for each slot that is on; slots with a gap count as never published."""
    if public is None:
        return {}
    on = [entry.slot for entry in public.slots if entry.state is State.ON]
    return {slot.key: slot.people for slot in on if len(slot.people) == len(slot.seats)}


async def drop(conn: Connection, actor: Actor, site_id: str, seen: int, now: datetime) -> int:
    """Back to the rotation rules; the new revision."""
    site = await require_site(conn, actor, Action.EDIT_ROSTER, site_id)
    revision = await drafts.raise_revision(conn, SiteId(site.id), seen, now, actor.id)
    if revision is None:
        raise Conflict("stale_draft")
    if not await proposals.drop_proposal(conn, SiteId(site.id)):
        raise NotFound()
    await audit.append(conn, actor, "drop_balance", "site", site.id, now)
    return revision
