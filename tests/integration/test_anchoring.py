"""Heads of live journals, stamped by an authority that may be away, and a superuser who comes afterwards."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from aiohttp import web
from asn1crypto import tsp

from media.record.packs.proofs import read_stamp
from server.access.core import Actor
from server.evidence.anchoring import Anchoring, Heads
from server.evidence.identity import open_identity
from server.evidence.service import stamped_access
from server.evidence.signing import Authority, stamp
from server.mediaplane.hold import CannotRecord
from server.recordings.making import MakingFailed
from server.viewings import core
from server.viewings import service as viewings
from tests.support.packed_session import heads_of, record_journal
from tests.support.synthetic_session import START_WALL_US

if TYPE_CHECKING:
    from server.db import Connection, Pool

ENDED = dt.datetime.fromtimestamp(START_WALL_US / 1e6 + 6, dt.UTC)
VIEWER = Actor("person", "00000000-0000-4000-8000-00000000000a")
UUIDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]


@dataclass
class OutsideAuthority:
    """An RFC 3161 service on loopback that can be switched off."""

    url: str
    authority: Authority
    is_away: bool = False
    asked: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.is_away:
            return web.Response(status=503)
        reply = await self.authority.stamper().async_request_tsa_response(tsp.TimeStampReq.load(await request.read()))
        return web.Response(body=reply.dump(), content_type="application/timestamp-reply")


@pytest.fixture
async def outside(tmp_path: Path, aiohttp_server: Any) -> OutsideAuthority:
    own = Authority("", open_identity(tmp_path / "outside", ENDED), lambda: ENDED)
    service = OutsideAuthority("", own)
    app = web.Application()
    app.router.add_post("/", service.answer)
    server = await aiohttp_server(app)
    service.url = str(server.make_url("/"))
    return service


@pytest.fixture
async def room(db: Pool) -> tuple[str, str]:
    """A recorded room of a session that runs. Returns (session, room)."""
    site, person, session, room = UUIDS
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")  # only the rows that this test is about
        columns = "id, site_id, procedure, in_charge, state, opened_at"
        await conn.execute(
            f"insert into session ({columns}) values ($1, $2, 'notarization', $3, 'live', $4)",
            session,
            site,
            person,
            ENDED,
        )
        await conn.execute(
            "insert into recording (session_id, wrapped_key, created_at) values ($1, 'x', $2)", session, ENDED
        )
        await conn.execute("insert into room (id, session_id, kind, recorded, opened_at) values ($1, $2, 'joint', true, $3)", room, session, ENDED)  # fmt: skip
    return session, room


async def nothing_late(_: str) -> None:
    raise AssertionError("there is no pack yet")


def anchoring_of(
    db: Pool, service: OutsideAuthority, journal: Path, folder: Path, clock: Any, add_late: Any = nothing_late
) -> Anchoring:
    authority = Authority(service.url, service.authority.identity, clock)
    return Anchoring(db, clock, authority, lambda *_: journal, (folder / "own", folder / "kept"), add_late)


async def test_the_head_is_stamped_within_the_minute_and_kept_in_three_places(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    anchoring = anchoring_of(db, outside, journal, tmp_path, lambda: ENDED)

    await anchoring.once()
    await anchoring.once()

    [row] = await db.fetch("select block, imprint, token from anchor")
    assert (row["block"], row["imprint"]) in heads_of(journal)
    assert read_stamp(row["token"]).imprint.hex() == row["imprint"]
    assert outside.asked == 1
    kept = (tmp_path / "kept" / f"{room[0]}.jsonl").read_text()
    assert kept == (tmp_path / "own" / f"{room[0]}.jsonl").read_text()
    assert row["imprint"] in kept


async def test_a_block_that_may_not_be_on_disk_yet_is_not_stamped(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    heads = Heads()

    early = heads.settled(journal, ENDED - dt.timedelta(seconds=1))
    late = heads.settled(journal, ENDED + dt.timedelta(seconds=10))

    assert early is not None
    assert late == heads_of(journal)[-1]
    assert early[0] < late[0]


async def test_an_authority_that_is_away_delays_the_stamp_and_nothing_else(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    now = [ENDED]
    anchoring = anchoring_of(db, outside, journal, tmp_path, lambda: now[0])
    outside.is_away = True

    await anchoring.once()
    waiting = await db.fetchrow("select token, attempts, error from anchor")
    now[0] += dt.timedelta(seconds=20)
    outside.is_away = False
    await anchoring.once()

    assert (waiting["token"], waiting["attempts"]) == (None, 1)
    assert waiting["error"]
    assert await db.fetchval("select count(*) from anchor where token is not null") >= 1


@pytest.mark.parametrize("problem", [MakingFailed("its disk is full"), CannotRecord("its key does not open")], ids=repr)
async def test_a_pack_that_takes_no_stamps_ends_no_other_ones(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path, problem: Exception
) -> None:
    tried = []

    async def fail(session: str) -> None:
        tried.append(session)
        raise problem

    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    anchoring = anchoring_of(db, outside, journal, tmp_path, lambda: ENDED, fail)
    await anchoring.once()
    await db.execute("update recording set state = 'ready', made_at = $1", ENDED)

    await anchoring.once()

    assert tried == [room[0]]


async def test_not_even_the_database_gives_a_stamp_back(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    journal = await asyncio.to_thread(record_journal, tmp_path / "journal")
    await anchoring_of(db, outside, journal, tmp_path, lambda: ENDED).once()

    for statement in (
        "delete from anchor",
        "update anchor set imprint = repeat('0', 64)",
        "update anchor set token = null, stamped_at = null",
    ):
        with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
            await db.execute(statement)


async def forge_entry(conn: Connection, session: str, n: int) -> None:
    """A row as the product writes it, without a stamp that waits."""
    head = await conn.fetchval("select head from access_entry where session_id = $1 and n = $2", session, n - 1)
    line = core.line_of(session, n, ENDED, "film", VIEWER.id, {})
    statement = "insert into access_entry (session_id, n, line, head) values ($1, $2, $3, $4)"
    await conn.execute(statement, session, n, line, core.head_after(head, line))


async def test_who_saw_a_recording_is_not_rewritten_unseen_either(
    db: Pool, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    session = room[0]
    anchoring = anchoring_of(db, outside, tmp_path / "no journal", tmp_path, lambda: ENDED)
    async with db.acquire() as conn, conn.transaction():
        for kind in ("film", "pack", "film"):
            await viewings.write_entry(conn, VIEWER, session, kind, ENDED, {})
    await anchoring.once()

    async def wrong(stamped: dict[int, str]) -> int | None:
        rows = await db.fetch("select line, head from access_entry where session_id = $1 order by n", session)
        return core.first_wrong(session, [core.Entry(row["line"], row["head"]) for row in rows], stamped)

    async def stamped_here() -> dict[int, str]:
        async with db.acquire() as conn:
            return await stamped_access(conn, session)

    lines = [json.loads(line) for line in (tmp_path / f"kept/{session}.access.jsonl").read_text().splitlines()]
    kept = {one["entry"]: read_stamp(base64.b64decode(one["token"])).imprint.hex() for one in lines}
    assert sorted(kept) == [0, 1, 2]
    assert await stamped_here() == {2: kept[2]}
    assert (await wrong(await stamped_here()), await wrong(kept)) == (None, None)

    # The one in the middle never happened: the entries behind it are chained anew.
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        await conn.execute("delete from access_entry where session_id = $1 and n > 0", session)
        await forge_entry(conn, session, 1)
    assert await wrong({}) is None
    assert await wrong(await stamped_here()) == 2
    # The stamps of this machine go too, and those that others keep still tell.
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        await conn.execute("delete from anchor where kind = 'access'")
    assert await wrong(await stamped_here()) is None
    assert await wrong(kept) == 1
    assert await db.fetchval("select count(*) from anchor where packed_at is not null") == 0


async def admin(*words: str, database_url: str, data: Path) -> tuple[int, str]:
    """(exit code, what it says) of a command on this database."""
    environment = os.environ | {"DATABASE_URL": database_url, "LAIZUO_DATA": str(data)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "admin", *words, stdout=asyncio.subprocess.PIPE, env=environment
    )
    said, _ = await process.communicate()
    return await process.wait(), said.decode()


async def test_a_superuser_who_rewrites_who_saw_a_recording_is_named_by_the_command(
    db: Pool, database_url: str, room: tuple[str, str], outside: OutsideAuthority, tmp_path: Path
) -> None:
    session, kept = room[0], tmp_path / "kept"
    anchoring = anchoring_of(db, outside, tmp_path / "no journal", tmp_path, lambda: ENDED)
    async with db.acquire() as conn, conn.transaction():
        for kind in ("film", "pack", "film"):
            await viewings.write_entry(conn, VIEWER, session, kind, ENDED, {})
    await anchoring.once()

    async def check(*words: str) -> tuple[int, str]:
        return await admin("verify-access", *words, database_url=database_url, data=tmp_path)

    code, said = await check("--anchors", str(kept), "--trust", str(tmp_path / "outside/ca.pem"))
    assert (code, said.splitlines()[0]) == (0, "access journals: follow, and are what was stamped"), said
    assert "1 journals, 3 entries, 6 stamps" in said

    # Entry 1 never happened, those behind it are chained anew, and the stamps of this machine are made anew by its own clock.
    own = Authority("", open_identity(tmp_path / "own clock", ENDED), lambda: ENDED)
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        await conn.execute("delete from access_entry where session_id = $1 and n > 0", session)
        for n in (1, 2):
            await forge_entry(conn, session, n)
            head = await conn.fetchval("select head from access_entry where session_id = $1 and n = $2", session, n)
            statement = "update anchor set imprint = $3, token = $4 where session_id = $1 and block = $2"
            await conn.execute(statement, session, n, head, await stamp(own, bytes.fromhex(head)))

    assert (await check())[0] == 0  # nothing on this machine knows
    code, said = await check("--anchors", str(kept))
    assert code == 1
    when = f"{ENDED:%Y-%m-%d %H:%M:%S} UTC"
    wrong = (
        f"session {session}, entry 1, {when}: has another head than the one that Laizuo trial clock stamped at {when}"
    )
    assert wrong in said
    code, said = await check("--trust", str(tmp_path / "outside/ca.pem"))
    assert "whom you do not trust" in said
    assert code == 1
