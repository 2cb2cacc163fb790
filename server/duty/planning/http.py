"""The API around the publish."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec
from aiohttp import web

from schedules.core.explain import Language
from schedules.solve.answer import Effort
from schedules.store import inputs
from server.access.core import Action
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.duty.messages import Edited, PublishedView, ReasonText, RevisionQuery
from server.duty.planning import balancing, notices, versions
from server.duty.planning.running import PLANNERS
from server.duty.views import ChangeView, change_view
from server.errors import NotFound
from server.i18n import language_of
from server.keys import SETTINGS

if TYPE_CHECKING:
    from server.db import Connection


class BalanceBody(msgspec.Struct, forbid_unknown_fields=True):
    """`keep`: change as little as possible against what is public. The same draft and seed give the same answer."""

    revision: int
    keep: bool = False
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 1


class BalanceView(msgspec.Struct):
    """What was found: `bound` is what no answer can be cheaper than, `is_best` that this one is not beaten."""

    revision: int
    planner: str
    seed: int
    gaps: int
    changes: int
    spread_minutes: int
    cost: int
    bound: int
    is_best: bool
    note: str


class PlannerView(msgspec.Struct):
    """Whether a planner works on this draft, and how far it is: groups of people done, of all; 0 of 0 before it knows."""

    works: bool
    done: int = 0
    of: int = 0
    since: dt.datetime | None = None


class WithdrawBody(msgspec.Struct, forbid_unknown_fields=True):
    """The version that was seen as public; the reason is shown to the public."""

    version: int
    reason: ReasonText = ""


class NoticeBody(msgspec.Struct, forbid_unknown_fields=True):
    """One year of days as TOML, as the files in schedules/data."""

    text: Annotated[str, msgspec.Meta(max_length=32_000)]


class MovedView(msgspec.Struct):
    """What the notice changes at a site with its next publish."""

    slug: str
    name: str
    changes: list[ChangeView]


class NoticeView(msgspec.Struct):
    """A notice in force."""

    year: int
    version: int
    status: str
    moved: list[MovedView]


class RecomputedView(msgspec.Struct):
    """Whether a version comes out the same when it is computed again; keys of slots that do not."""

    version: int
    is_same: bool
    differing: list[str]


class SinceQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The earlier version; 0: everything is new."""

    since: int = 0


def _number(call: Call[None]) -> int:
    text = call.path("version")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound()
    return int(text)


def _language(call: Call[None] | Call[NoticeBody]) -> Language:
    return Language(language_of(call.request))


async def balance_roster(call: Call[BalanceBody]) -> BalanceView:
    """Let the planner find the best seats for the draft; preview shows them."""
    body, site = call.body, call.path("site")
    effort = Effort(seed=body.seed)
    revision, found = await balancing.balance(
        call.pool, call.app[PLANNERS], call.actor, site, body.revision, effort, call.now, keep=body.keep
    )
    score = found.score
    told = (score.gaps, score.changes, score.spread, found.cost, found.bound, found.is_best, found.note)
    return BalanceView(revision, found.planner, found.seed, *told)


async def planner_progress(call: Call[None]) -> PlannerView:
    """How far the planner is."""
    async with call.connection() as conn:
        work = await balancing.work_at(conn, call.app[PLANNERS], call.actor, call.path("site"))
    return PlannerView(False) if work is None else PlannerView(True, work.progress.done, work.progress.of, work.since)


async def stop_planner(call: Call[None]) -> None:
    """End the planner; who asked for it is told that it was stopped."""
    async with call.connection() as conn:
        await balancing.stop(conn, call.app[PLANNERS], call.actor, call.path("site"))


async def drop_balance(call: Call[None]) -> Edited:
    """Back to the rotation rules."""

    async def work(conn: Connection) -> int:
        return await balancing.drop(conn, call.actor, call.path("site"), call.query.revision, call.now)

    return Edited(await in_transaction(call.pool, work))


async def release_inputs(call: Call[None]) -> web.Response:
    """What a version follows from."""
    async with call.connection() as conn:
        kept = await versions.kept_inputs(conn, call.actor, call.path("slug"), _number(call))
    return web.Response(text=kept, content_type="application/json", headers={"Cache-Control": "no-store"})


async def recompute_release(call: Call[None]) -> RecomputedView:
    """Compute a version again and compare."""
    async with call.connection() as conn:
        found = await versions.recompute(conn, call.actor, call.path("slug"), _number(call))
    return RecomputedView(found.version, found.is_same, list(found.differing))


async def release_changes(call: Call[None]) -> list[ChangeView]:
    """What a version changed against an earlier one."""
    async with call.connection() as conn:
        _, found = await versions.changes_between(conn, call.actor, call.path("slug"), call.query.since, _number(call))
        people = await inputs.name_people(conn, {who for change in found for who in change.people})
    return [change_view(change, people, _language(call)) for change in found]


async def withdraw_roster(call: Call[WithdrawBody]) -> PublishedView:
    """Cancel everything that is public and still to come."""
    base_url = call.app[SETTINGS].public_url.rstrip("/")

    async def work(conn: Connection) -> int:
        seen, reason = call.body.version, call.body.reason.strip()
        return await versions.withdraw(conn, call.actor, call.path("site"), seen, reason, base_url, call.now)

    return PublishedView(await in_transaction(call.pool, work), True, 0)


async def import_notice(call: Call[NoticeBody]) -> NoticeView:
    """Take in a notice of holidays and say what it moves."""

    async def work(conn: Connection) -> NoticeView:
        found = await notices.import_notice(conn, call.actor, call.body.text, call.now)
        people = await inputs.name_people(conn, {w for m in found.moved for c in m.changes for w in c.people})
        language = _language(call)
        moved = [
            MovedView(
                one.site.slug,
                one.site.name_en if language is Language.EN else one.site.name_zh,
                [change_view(change, people, language) for change in one.changes],
            )
            for one in found.moved
        ]
        return NoticeView(found.year.year, found.year.version, found.year.status.value, moved)

    return await in_transaction(call.pool, work)


_RELEASE = "/api/sites/{slug}/releases/{version}"
_BOARD, _EDIT = Action.SEE_ROSTER_BOARD, Action.EDIT_ROSTER
OPERATIONS = [
    Operation(
        "POST",
        "/api/rosters/{site}/balance",
        balance_roster,
        _EDIT,
        "Let the planner fill the draft",
        body=BalanceBody,
        reply=BalanceView,
    ),
    Operation(
        "GET", "/api/rosters/{site}/planner", planner_progress, _EDIT, "How far the planner is", reply=PlannerView
    ),
    Operation("DELETE", "/api/rosters/{site}/planner", stop_planner, _EDIT, "Stop the planner"),
    Operation(
        "DELETE",
        "/api/rosters/{site}/balance",
        drop_balance,
        _EDIT,
        "Back to the rotation rules",
        query=RevisionQuery,
        reply=Edited,
    ),
    Operation(
        "POST",
        "/api/rosters/{site}/withdraw",
        withdraw_roster,
        Action.PUBLISH_ROSTER,
        "Withdraw what is public",
        body=WithdrawBody,
        reply=PublishedView,
    ),
    Operation("POST", "/api/days", import_notice, _EDIT, "Import a holiday notice", body=NoticeBody, reply=NoticeView),
    Operation("GET", _RELEASE + "/inputs", release_inputs, _BOARD, "What a version follows from"),
    Operation("GET", _RELEASE + "/recomputed", recompute_release, _BOARD, "Compute it again", reply=RecomputedView),
    Operation(
        "GET",
        _RELEASE + "/changes",
        release_changes,
        Action.SEE_PUBLIC,
        "What a version changed",
        query=SinceQuery,
        reply=list[ChangeView],
    ),
]
