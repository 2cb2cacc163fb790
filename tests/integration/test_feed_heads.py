"""Many who ask at once share a statement, and no answer is older than its question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from schedules.store.feeds import FeedName
from server.db.pool import DatabaseAway, connection
from server.feeds.heads import HEADS, Heads
from server.tasks import running
from tests.integration.test_feeds_http import city, lawyer, path_of  # noqa: F401
from tests.support import duty_web
from tests.support.duty_city import DutyCity
from tests.support.eventually import eventually
from tests.support.hall import Visitor

if TYPE_CHECKING:
    from server.db import Connection, Pool
    from tests.integration.test_feeds_http import Client

CENTRE, UNKNOWN = FeedName("zh-CN", slug="rongchuan"), FeedName("zh-CN", slug="nowhere")
app = duty_web.app


async def test_many_who_ask_at_once_share_statements_and_each_gets_its_own(db: Pool, city: DutyCity) -> None:  # noqa: F811
    heads = Heads()
    async with running("heads", heads.answer(db)):
        names = [CENTRE, FeedName("en", slug="rongchuan"), UNKNOWN, FeedName("zh-CN", token_hash=bytes(32))] * 50
        found = await asyncio.gather(*(heads.find(name) for name in names))

    assert [head is not None for head in found[:4]] == [True, True, False, False]
    assert found == found[:4] * 50
    assert found[0] != found[1]
    assert heads.statements == 1


async def test_no_answer_is_older_than_its_question(client: Client, db: Pool, city: DutyCity) -> None:  # noqa: F811
    """While others ask all the time, whoever asks after a publish was confirmed sees that publish."""
    heads = client.app[HEADS]
    done = asyncio.Event()

    async def crowd() -> None:
        while not done.is_set():
            await heads.find(CENTRE)

    others = [asyncio.create_task(crowd()) for _ in range(8)]
    before = await heads.find(CENTRE)
    async with connection(db) as conn:
        seen = [await _retag(conn, f"{number:032x}", heads) for number in range(100)]
    done.set()
    await asyncio.gather(*others)

    assert before is not None
    assert seen == [f'"{number:032x}"' for number in range(100)]


async def _retag(conn: Connection, tag: str, heads: Heads) -> str | None:
    """Another version under this tag, and what a question right after it is told."""
    await conn.execute(
        "update calendar_feed_body b set etag = $1 from calendar_feed f where f.id = b.feed_id and f.slug = 'rongchuan'",
        f'"{tag}"',
    )
    head = await heads.find(CENTRE)
    return None if head is None else head.etag


async def test_a_link_that_was_ended_is_dead_at_once_though_a_program_just_asked(
    client: Client,
    city: DutyCity,  # noqa: F811
    lawyer: Visitor,  # noqa: F811
) -> None:
    link = path_of((await (await lawyer.send("POST", "/api/feeds/own")).json())["https"])
    tag = (await client.get(link)).headers["ETag"]
    known = {"If-None-Match": tag}

    assert {(await client.get(link, headers=known)).status for _ in range(5)} == {304}
    assert (await lawyer.send("DELETE", "/api/feeds/own")).status in (200, 204)
    assert {answer.status for answer in await asyncio.gather(*(client.get(link, headers=known) for _ in range(5)))} == {
        404
    }


async def test_the_link_of_somebody_who_has_left_ends_with_the_account(
    client: Client,
    db: Pool,
    city: DutyCity,  # noqa: F811
    lawyer: Visitor,  # noqa: F811
) -> None:
    link = path_of((await (await lawyer.send("POST", "/api/feeds/own")).json())["https"])
    before = (await client.get(link)).status
    async with connection(db) as conn:
        await conn.execute("update person set disabled_at = now() where id = $1::text::uuid", city.lawyers[0])

    assert (before, (await client.get(link)).status) == (200, 404)


async def test_a_database_that_is_away_is_told_to_everybody_and_not_for_ever(db: Pool, city: DutyCity) -> None:  # noqa: F811
    heads = Heads()
    async with running("heads", heads.answer(db)):
        async with connection(db) as conn:
            await conn.execute("alter table calendar_feed_body rename to elsewhere")
            failed = await asyncio.gather(*(heads.find(CENTRE) for _ in range(5)), return_exceptions=True)
            await conn.execute("alter table elsewhere rename to calendar_feed_body")
        found = await heads.find(CENTRE)

    assert [isinstance(error, Exception) and not isinstance(error, DatabaseAway) for error in failed] == [True] * 5
    assert found is not None


async def test_whoever_waits_when_it_all_ends_is_let_go() -> None:
    heads = Heads()
    asked = asyncio.gather(heads.find(CENTRE), heads.find(UNKNOWN), return_exceptions=True)

    async def why_not() -> str | None:
        heads.let_go()
        return None if asked.done() else "somebody waits still"

    await eventually(why_not)
    assert [type(answer) for answer in await asked] == [asyncio.CancelledError] * 2
