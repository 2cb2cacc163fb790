"""Planners at work: one per site at a time, with their progress, and somebody who may stop them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from schedules.solve.answer import Progress
from schedules.solve.process import solve
from server.errors import Conflict
from server.tasks import end

if TYPE_CHECKING:
    from datetime import datetime

    from schedules.solve.answer import Answer, Question


@dataclass(slots=True)
class Work:
    """One planner at work. Its process ends with `task`."""

    since: datetime
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    task: asyncio.Task[Answer] | None = None
    is_stopped: bool = False

    def hear(self, progress: Progress) -> None:
        self.progress = progress


class Planners:
    """Who plans what in this process."""

    def __init__(self) -> None:
        self._work: dict[str, Work] = {}

    def at(self, site: str) -> Work | None:
        """The planner that works on a site's draft now."""
        return self._work.get(site)

    async def plan(self, site: str, question: Question, now: datetime) -> Answer:
        """Have a question answered. Raises Conflict('planner_works') while another is, Conflict('planner_stopped')."""
        if site in self._work:
            raise Conflict("planner_works")
        work = self._work[site] = Work(now)
        task = work.task = asyncio.create_task(solve(question, work.hear), name="planner")
        try:
            await asyncio.wait({task})
            if work.is_stopped:
                raise Conflict("planner_stopped")
            return await task
        finally:
            del self._work[site]
            await end(task)

    def stop(self, site: str) -> bool:
        """End the planner of a site; the draft stays as it is. False where none works."""
        work = self._work.get(site)
        if work is None or work.task is None:
            return False
        work.is_stopped = True
        work.task.cancel()
        return True


PLANNERS: web.AppKey[Planners] = web.AppKey("planners", Planners)
