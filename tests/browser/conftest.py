"""Browsers for the tests of this folder, and the city they look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser

from tests.support.browser import running_chromium
from tests.support.product import Product


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium of this test's own."""
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def demo(product: Product) -> dict[str, Any]:
    """/demo.json of the running product."""
    async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
        facts: dict[str, Any] = await answer.json()
        return facts
