"""Rosters being published while they are read: the demo's coordinator over HTTP, and what was public when."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.bench.product import RunningProduct

PAUSE_S = 0.5


@dataclass(slots=True)
class Published:
    """The tag of each version of the feed, in order, with the moment at which its publish was confirmed (CLOCK_MONOTONIC)."""

    versions: list[tuple[str, float]] = field(default_factory=list)

    def stale(self, answers: Iterable[tuple[str, float]]) -> int:
        """Answers with a tag that never was, or with one that was replaced, and confirmed so, before they were asked for."""
        replaced = {tag: after for (tag, _), (_, after) in zip(self.versions, self.versions[1:], strict=False)}
        known = {tag for tag, _ in self.versions}
        return sum(tag not in known or asked > replaced.get(tag, asked) for tag, asked in answers)


async def publish_until(running: RunningProduct, site: str, stop: asyncio.Event) -> Published:
    """Close one shift after the other and publish each time, until told to stop; one at least."""
    published = Published()
    coordinator = await asyncio.to_thread(Coordinator, running, site)
    published.versions.append((await asyncio.to_thread(coordinator.tag), time.monotonic()))
    while len(published.versions) == 1 or not stop.is_set():
        await asyncio.to_thread(coordinator.publish_a_change)
        confirmed = time.monotonic()
        published.versions.append((await asyncio.to_thread(coordinator.tag), confirmed))
        try:
            await asyncio.wait_for(stop.wait(), PAUSE_S)
        except TimeoutError:
            continue
    return published


class Coordinator:
    """The demo's coordinator over HTTP, as the roster board's script speaks."""

    def __init__(self, running: RunningProduct, site: str) -> None:
        self._url = running.url
        self._feed = f"{self._url}/feeds/{site}.ics"
        person = next(p for p in running.demo["people"] if p["user"] == "sun.hui")
        self._cookies = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self._cookies.open(person["sign_in_url"], timeout=10).read()
        page = self._cookies.open(f"{self._url}/roster?site={site}", timeout=10).read().decode()
        self._csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        self._site = page.partition('data-site="')[2].partition('"')[0]

    def tag(self) -> str:
        """The tag of the public feed now."""
        request = urllib.request.Request(self._feed, method="HEAD")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.headers["ETag"])

    def publish_a_change(self) -> None:
        """One shift less, from the end of the month on, as a new version."""
        preview = self._ask("GET", "/preview")
        slots = [slot for slot in preview["slots"] if slot["state"] == "on"]
        revision = int(preview["mark"].partition("-")[0])
        self._ask(
            "POST", "/overrides", {"revision": revision, "slot": slots[-1]["key"], "kind": "close", "reason": "bench"}
        )
        mark = self._ask("GET", "/preview")["mark"]
        self._ask("POST", "/publish", {}, {"If-Match": f'"{mark}"'})

    def _ask(
        self, method: str, path: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-CSRF-Token": self._csrf, "Content-Type": "application/json", **(more or {})}
        request = urllib.request.Request(f"{self._url}/api/rosters/{self._site}{path}", data, headers, method=method)
        answer: dict[str, Any] = json.load(self._cookies.open(request, timeout=20))
        return answer
