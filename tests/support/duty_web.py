"""The demo city's rosters over HTTP, on Friday, 20 November 2026, noon in China: fixtures to import, and a visitor who reads JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from server.access.identify import STAFF_COOKIE
from server.app import build_app
from server.demo.seed import City
from server.keys import CLOCK
from server.people.service import sign_in_as
from tests.support.demo_city import CITIES
from tests.support.duty_city import NOW
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.config import Settings
    from server.db import Pool

    Client = TestClient[Any, Any]


class Caller:
    """Answers of calls that work as JSON, (status, code) of those that are refused."""

    def __init__(self, client: Client, cookies: dict[str, str]) -> None:
        self._visitor = Visitor(client, cookies)

    async def get(self, path: str) -> Any:
        answer = await self._visitor.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def post(self, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        return await self._sent("POST", path, body, headers or {})

    async def put(self, path: str, body: object) -> Any:
        return await self._sent("PUT", path, body, {})

    async def delete(self, path: str) -> Any:
        return await self._sent("DELETE", path, None, {})

    async def _sent(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        answer = await self._visitor.send(method, path, body, **headers)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        answer = await self._visitor.send(method, path, body)
        return answer.status, (await answer.json())["error"]["code"]


@pytest.fixture
def app(settings: Settings) -> web.Application:
    """The application at that moment."""
    made = build_app(settings)
    made[CLOCK] = lambda: NOW
    return made


@pytest.fixture
async def city(db: Pool) -> City:
    """The demo's city, seeded at that moment."""
    async with db.acquire() as conn:
        return await CITIES.put_into(conn, NOW, "http://127.0.0.1")


async def cookies_of(db: Pool, city: City, user: str) -> dict[str, str]:
    """Signed in as somebody of the city."""
    async with db.acquire() as conn:
        return {STAFF_COOKIE: await sign_in_as(conn, city.people[user], NOW)}
