"""Notifications: heard in order, and what may have been lost is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.db import Pool
from server.db.notify import MAX_WAITING, MISSED, Missed, Notifications, Subscription


@pytest.fixture
async def notifications(database_url: str) -> AsyncIterator[Notifications]:
    running = Notifications(database_url)
    await running.start()
    yield running
    await running.close()


async def heard(events: Subscription) -> str | Missed:
    async with asyncio.timeout(30):
        return await anext(events)


async def tell(db: Pool, channel: str, payload: str) -> None:
    await db.execute("SELECT pg_notify($1, $2)", channel, payload)


async def test_a_follower_first_reads_then_hears(db: Pool, notifications: Notifications) -> None:
    async with notifications.subscribe("tickets") as events:
        first = await heard(events)
        await tell(db, "tickets", "one")
        await tell(db, "rosters", "not for us")
        await tell(db, "tickets", "two")

        assert (first, await heard(events), await heard(events)) == (MISSED, "one", "two")


async def test_a_later_follower_of_the_same_channel_too(db: Pool, notifications: Notifications) -> None:
    async with notifications.subscribe("tickets") as one:
        await heard(one)
        async with notifications.subscribe("tickets") as two:
            assert await heard(two) == MISSED
            await tell(db, "tickets", "both")

            assert (await heard(one), await heard(two)) == ("both", "both")


async def test_after_a_lost_connection_it_says_that_something_may_be_missing(
    db: Pool, notifications: Notifications
) -> None:
    async with notifications.subscribe("tickets") as events:
        await heard(events)
        ended = await db.fetchval(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        assert ended == 1

        assert await heard(events) == MISSED
        await tell(db, "tickets", "after")
        assert await heard(events) == "after"


async def test_who_is_too_slow_is_told_to_read_anew() -> None:
    events = Subscription()
    events.put(MISSED)
    for number in range(MAX_WAITING + 5):
        events.put(str(number))

    found = [await heard(events)]
    while found[-1] != str(MAX_WAITING + 4):
        found.append(await heard(events))

    assert found[0] == MISSED
    assert len(found) < 10
    assert len(set(found)) == len(found)
