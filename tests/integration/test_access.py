"""Signing in, cookies, CSRF, Origin, headers, errors, the API's description: through the real application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from server.access.identify import CSRF_HEADER, STAFF_COOKIE
from server.api import OPERATIONS
from tests.support.hall import City, Visitor, kiosk, seeded, staff

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient

    from server.db import Pool

    Client = TestClient[Any, Any]


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def test_password_sign_in_and_out(client: Client, city: City) -> None:
    body = {"user": "li.wanqing", "password": city.password}
    answer = await client.post("/api/sign-in", json=body)
    cookie = answer.cookies[STAFF_COOKIE]
    visitor = Visitor(client, {STAFF_COOKIE: cookie.value})

    assert (answer.status, await answer.json()) == (200, {"next": "/desk"})
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (await visitor.get("/api/desk")).status == 200
    assert (await visitor.send("POST", "/api/sign-out")).status == 200
    assert (await visitor.get("/api/desk")).status == 401


@pytest.mark.parametrize("user", ["li.wanqing", "nobody.here"])
async def test_a_wrong_password_and_an_unknown_person_look_the_same(client: Client, city: City, user: str) -> None:
    answer = await client.post("/api/sign-in", json={"user": user, "password": "wrong"})

    assert (answer.status, await answer.json()) == (401, {"error": {"code": "wrong_password"}})


async def test_guessing_is_slowed_down(client: Client, city: City) -> None:
    statuses = [
        (await client.post("/api/sign-in", json={"user": "li.wanqing", "password": "wrong"})).status for _ in range(11)
    ]

    assert statuses == [401] * 10 + [429]


async def test_an_expired_and_a_disabled_sign_in_are_nobody(client: Client, city: City, db: Pool) -> None:
    expired, disabled = await staff(client, db, city, "li.wanqing"), await staff(client, db, city, "zhao.kun")
    await db.execute(
        "update sign_in set expires_at = created_at + interval '1 microsecond' where person_id = $1::text::uuid",
        city.people["li.wanqing"],
    )
    await db.execute("update person set disabled_at = now() where id = $1::text::uuid", city.people["zhao.kun"])

    assert (await expired.get("/api/desk")).status == 401
    assert (await disabled.get("/api/desk")).status == 401


async def test_a_changing_request_needs_our_own_page(client: Client, city: City, db: Pool) -> None:
    notary = await staff(client, db, city, "li.wanqing")
    refused = {
        "no CSRF token": {CSRF_HEADER: ""},
        "a wrong CSRF token": {CSRF_HEADER: "x" * 43},
        "another site": {"Origin": "https://evil.example"},
        "a look-alike": {"Origin": f"http://127.0.0.1.evil.example:{client.port}"},
        "another port": {"Origin": "http://127.0.0.1:1"},
        "no origin at all": {"Origin": "null"},
    }

    found = {
        name: (await notary.send("POST", "/api/desk/call-next", {}, **headers)).status
        for name, headers in refused.items()
    }
    allowed = await notary.send("POST", "/api/desk/call-next", {}, Origin=f"http://{client.host}:{client.port}")

    assert found == dict.fromkeys(refused, 403)
    assert (allowed.status, await allowed.json()) == (409, {"error": {"code": "nobody_waiting"}})


async def test_a_revoked_endpoint_is_nobody(client: Client, city: City, db: Pool) -> None:
    api, visitor = kiosk(client, city, "liuyin")
    assert (await visitor.get(api)).status == 200

    await db.execute("update endpoint set revoked_at = now() where id = $1::text::uuid", city.kiosks["liuyin"])

    assert (await visitor.get(api)).status == 401


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/healthz", "/api/openapi.json", "/api/nothing", "/api/desk"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer"), path


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "code"),
    [
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("PUT", "/api/sign-in", b"{}", 405, "method_not_allowed"),
        ("POST", "/api/sign-in", b"", 400, "bad_input"),
        ("POST", "/api/sign-in", b"{", 400, "bad_input"),
        ("POST", "/api/sign-in", b"\xff\xfe", 400, "bad_input"),
        ("POST", "/api/sign-in", b"[" * 60_000, 400, "bad_input"),
        ("POST", "/api/sign-in", b'"' + b"x" * 70_000 + b'"', 400, "too_large"),
        ("GET", "/api/desk", None, 401, "not_signed_in"),
        ("GET", "/api/kiosk/not-a-uuid", None, 401, "not_signed_in"),
        ("GET", "/static/../../pyproject.toml", None, 404, "not_found"),
        ("GET", "/static/%2e%2e/templates/base.html", None, 404, "not_found"),
        ("GET", "/locales/de.json", None, 404, "not_found"),
        ("GET", "/demo.json", None, 404, "not_found"),
        ("GET", "/demo/as/li.wanqing", None, 404, "not_found"),
    ],
)
async def test_bad_requests_get_a_clear_error(
    client: Client, method: str, path: str, data: bytes | None, status: int, code: str
) -> None:
    answer = await client.request(method, path, data=data, headers={"Content-Type": "application/json"})

    assert (answer.status, (await answer.json())["error"]["code"]) == (status, code)


async def test_the_openapi_document_is_valid_and_describes_every_operation(
    client: Client, app: web.Application
) -> None:
    document = await (await client.get("/api/openapi.json")).json()

    validate(document)
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(operation.method, operation.path) for operation in app[OPERATIONS] if not operation.hidden}


async def test_ready_and_metrics(client: Client) -> None:
    ready = await client.get("/readyz")
    metrics = await (await client.get("/metrics")).text()

    assert (await ready.json())["checks"]["database"] is None
    assert 'laizuo_http_requests_total{route="/readyz"' in metrics
