"""The demo: seeded once, on loopback only, one click to be anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from server.app import build_app

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from server.config import Settings

    Client = TestClient[Any, Any]


@pytest.fixture
async def demo(
    settings: Settings, aiohttp_client: AiohttpClient
) -> Client:  # in this order: the application ends before its database
    return await aiohttp_client(build_app(msgspec.structs.replace(settings, demo=True)))


async def test_the_start_page_offers_everybody_with_one_click(demo: Client) -> None:
    facts = await (await demo.get("/demo.json")).json()
    start = await (await demo.get("/")).text()

    assert sorted(person["role"] for person in facts["people"]) == sorted(
        [
            "notary",
            "notary",
            "notary_assistant",
            "mediator",
            "mediator",
            "lawyer",
            "lawyer",
            "coordinator",
            "administrator",
        ]
    )
    assert all(f'data-testid="be-{person["user"]}"' in start for person in facts["people"])
    assert start.count('data-testid="open-kiosk"') == len(facts["kiosks"]) == 5
    assert facts["feeds"]


async def test_one_click_signs_in_and_one_stands_before_a_kiosk(demo: Client) -> None:
    facts = await (await demo.get("/demo.json")).json()
    paths = ["/" + entry.split("/", 3)[3] for entry in (facts["people"][0]["sign_in_url"], facts["kiosks"][0]["url"])]

    answers = [await demo.get(path, allow_redirects=False) for path in paths]

    assert answers[0].headers["Location"] == "/desk"
    assert answers[1].headers["Location"].startswith("/kiosk/")
    assert (await demo.get("/desk")).status == 200
    assert (await demo.get(answers[1].headers["Location"])).status == 200


async def test_nobody_behind_a_proxy_is_let_in(demo: Client) -> None:
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}

    assert (await demo.get("/demo.json", headers=elsewhere)).status == 404
    assert (await demo.get("/demo/as/li.wanqing", headers=elsewhere, allow_redirects=False)).status == 404
    assert "be-li.wanqing" not in await (await demo.get("/", headers=elsewhere)).text()
