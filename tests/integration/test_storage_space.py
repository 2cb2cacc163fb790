"""A recorded session that could not be stored in full does not begin, and its citizen keeps the place in line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.storage import core, http, space, store
from server.storage.core import Space
from tests.support.hall import City, kiosk, seeded, staff, utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from server.db import Pool

Client = "TestClient[Any, Any]"
BARELY = core.KEPT_FREE_BYTES + core.planned_bytes("notarization")


@pytest.fixture(autouse=True)
def nobody_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test says what is free."""
    monkeypatch.setattr(space, "LOOK_EVERY_S", 3600.0)


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


async def set_free(db: Pool, free: int) -> None:
    async with db.acquire() as conn:
        await store.set_space(conn, Space(free, 1 << 40), utc_now())


async def test_no_session_begins_that_could_not_be_stored_in_full(client: Client, db: Pool, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")
    taken = await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    number = (await taken.json())["number"]
    notary = await staff(client, db, city, "li.wanqing")
    await set_free(db, BARELY - 1)

    refused = await notary.send("POST", "/api/desk/call-next", {})

    assert (refused.status, (await refused.json())["error"]["code"]) == (409, "no_space")
    desk = await (await notary.get("/api/desk")).json()
    assert [one["number"] for area in desk["areas"] for one in area["waiting"]] == [number]
    assert await db.fetchval("select count(*) from session") == 0

    await set_free(db, BARELY)
    assert (await notary.send("POST", "/api/desk/call-next", {})).status == 200


async def test_a_session_that_is_not_recorded_needs_no_space(client: Client, db: Pool, city: City) -> None:
    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": "mediation", "request_key": "press-0001"})
    mediator = await staff(client, db, city, "wang.jianguo")
    await set_free(db, 0)

    assert (await mediator.send("POST", "/api/desk/call-next", {})).status == 200


async def test_space_is_measured_from_the_start_on(client: Client, db: Pool, tmp_path: Path) -> None:
    async with db.acquire() as conn:
        found = await store.space(conn)

    assert found is not None
    assert 0 < found[0].free <= found[0].total
    metrics = (await (await client.get("/metrics")).text()).splitlines()
    [gauge] = [line.split()[1] for line in metrics if line.startswith("laizuo_storage_free_bytes ")]
    assert float(gauge) == found[0].free
    assert space.measure(tmp_path / "not" / "there" / "yet").total == found[0].total


async def test_administrators_hear_of_a_full_volume_once_an_hour(
    post_waits: None, client: Client, db: Pool, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "measure", lambda _place: Space(BARELY - 1, 1 << 40))

    for _ in range(3):
        async with db.acquire() as conn, conn.transaction():
            await http._look(client.app, conn)

    told = await db.fetch("select body from outbox where kind = 'storage_full'")
    administrators = "select count(distinct person_id) from role_grant where role = 'administrator'"
    assert len(told) == await db.fetchval(administrators) > 0
    assert all(f"{(BARELY - 1) >> 20} MB" in row["body"] for row in told)

    await db.execute("update storage_told set at = at - interval '2 hours'")
    async with db.acquire() as conn, conn.transaction():
        await http._look(client.app, conn)
    assert await db.fetchval("select count(*) from outbox where kind = 'storage_full'") == 2 * len(told)
