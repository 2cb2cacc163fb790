"""Fixtures everybody shares. One is for every test: an unhandled exception in an event loop fails the test that caused it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples
from playwright.async_api import Browser

from server.config import Settings
from server.db import Pool
from server.db.pool import open_pool
from server.testing.browsers import find_chromium
from tests.support.browser import running_chromium
from tests.support.database import TestCluster, running_cluster
from tests.support.demo_city import CITIES
from tests.support.product import PRODUCTS, Product, ProductFactory, products_of
from tests.support.source_checks import SourceCheck, start_all
from tests.support.tools import program

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

# The same examples in every run, so that a run says something of the change and not of luck; LAIZUO_TEST_SEEK=1 looks for new ones.
# Without a clock: on two busy cores an example may take long, and no test asserts a time.
examples.register_profile(
    "laizuo",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="LAIZUO_TEST_SEEK" not in os.environ,
)
examples.load_profile("laizuo")

SOURCE_CHECKS = pytest.StashKey[dict[str, SourceCheck]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the source checks with the first test when they are among the tests; they run beside the others."""
    if any(item.path.name == "test_source.py" for item in session.items) and not session.config.option.collectonly:
        session.config.stash[SOURCE_CHECKS] = start_all()
    # Every asynchronous test ends with a collection (below). What importing all tests left stays to the end: not looked through again, a
    # collection takes 0.02 s instead of 0.3 s, and with it all that collect by themselves.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def source_checks(pytestconfig: pytest.Config) -> dict[str, SourceCheck]:
    return pytestconfig.stash[SOURCE_CHECKS]


@pytest.fixture(autouse=True)
def no_unhandled_exceptions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail the test when an event loop, or aiohttp on behalf of a handler, had nobody to give an exception to."""
    found: list[str] = []

    def from_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        found.append(f"{context['message']}: {context.get('exception')!r}")

    class FromServer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")

    handler = FromServer(logging.ERROR)
    monkeypatch.setattr(asyncio.BaseEventLoop, "call_exception_handler", from_loop)
    logging.getLogger("aiohttp.server").addHandler(handler)
    yield
    logging.getLogger("aiohttp.server").removeHandler(handler)
    if inspect.iscoroutinefunction(getattr(request.node, "function", None)):
        gc.collect()  # a task's exception that nobody fetched is reported when the task is collected
    assert not found, "unhandled in an event loop:\n" + "\n".join(found)


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    """One PostgreSQL for the whole run."""
    with running_cluster() as running, CITIES.made_in(running):
        yield running


@pytest.fixture
def database_url(cluster: TestCluster) -> Iterator[str]:
    """A database with all migrations and nothing else in it."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def empty_database_url(cluster: TestCluster) -> Iterator[str]:
    """A database without any migration."""
    with cluster.database(template="template1") as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Pool]:
    """A pool on a database of this test's own."""
    pool = await open_pool(database_url)
    yield pool
    pool.terminate()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a web process without demo data and without media workers."""
    return Settings(data=tmp_path, database_url=database_url, public_url="http://127.0.0.1", workers=0)


@pytest.fixture
def app(settings: Settings) -> web.Application:
    from server.app import build_app  # noqa: PLC0415  # tests of one part must not need every other part

    return build_app(settings)


@pytest.fixture
def post_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put into the outbox stays there to be read; the sender empties what it sent. Asked for before `client`."""
    from server.messages import worker  # noqa: PLC0415  # as above

    monkeypatch.setattr(worker, "LOOK_EVERY_S", 3600.0)


@pytest.fixture
async def client(app: web.Application, aiohttp_client: AiohttpClient) -> TestClient[Any, Any]:
    """The application behind a real socket on loopback. Asked for in this order, it ends before its database is dropped."""
    return await aiohttp_client(app)


@pytest.fixture
def start_product(request: pytest.FixtureRequest) -> Iterator[ProductFactory]:
    """Starts real products; ends them after the test, and adds their logs to its failure report.

    An exception that nobody took, in any of their processes, fails the test.
    """
    with products_of(request.node) as factory:
        yield factory


@pytest.fixture
def product(start_product: ProductFactory) -> Product:
    """The real product with one media worker, ready, on an empty data directory."""
    return start_product("--workers", "1").wait_ready()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser of the tests; missing is a failure, never a skip."""
    found = find_chromium()
    assert found, "no Chromium: `python3 -m server test` brings one"
    return found


@pytest.fixture(scope="session")
def firefox_path() -> Path:
    """For tests marked `firefox`; missing is a failure, too."""
    return Path(program("firefox"))


@pytest.fixture
async def demo(product: Product) -> dict[str, Any]:
    """/demo.json of the running product."""
    async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
        facts: dict[str, Any] = await answer.json()
        return facts


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium of this test's own."""
    async with running_chromium() as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed and (factory := item.stash.get(PRODUCTS, None)):
        report.sections.extend(factory.logs())
    return report
