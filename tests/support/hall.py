"""A seeded city and clients that speak as its people and kiosks, for tests of the web process."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.access.identify import CSRF_HEADER, STAFF_COOKIE, endpoint_cookie
from server.access.tokens import csrf_of
from server.demo.seed import City
from server.people.service import sign_in_as
from tests.support.demo_city import CITIES

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from aiohttp.test_utils import TestClient

    from server.db import Pool


def utc_now() -> dt.datetime:
    """Now, for tests that act as the shell."""
    return dt.datetime.now(dt.UTC)


async def seeded(pool: Pool) -> City:
    """The demo's fictional city in an empty database."""
    async with pool.acquire() as conn:
        return await CITIES.put_into(conn, utc_now())


@dataclass(slots=True)
class Visitor:
    """Somebody with cookies of their own in front of one server."""

    client: TestClient[Any, Any]
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        """GET as this visitor."""
        return await self.client.get(path, headers=self._headers(), allow_redirects=False, **options)

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> ClientResponse:
        """A changing request, with the CSRF token of our own page."""
        return await self.client.request(
            method, path, json=body, headers=self._headers() | self._csrf() | headers, allow_redirects=False
        )

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _csrf(self) -> dict[str, str]:
        return {CSRF_HEADER: csrf_of(next(iter(self.cookies.values())))} if self.cookies else {}


async def staff(client: TestClient[Any, Any], pool: Pool, city: City, user: str) -> Visitor:
    """Somebody of the staff, signed in."""
    async with pool.acquire() as conn:
        return Visitor(client, {STAFF_COOKIE: await sign_in_as(conn, city.people[user], utc_now())})


def kiosk(client: TestClient[Any, Any], city: City, slug: str) -> tuple[str, Visitor]:
    """(API path, visitor) of the kiosk at a site."""
    endpoint = city.kiosks[slug]
    return f"/api/kiosk/{endpoint}", Visitor(client, {endpoint_cookie(endpoint): city.tokens[endpoint]})
