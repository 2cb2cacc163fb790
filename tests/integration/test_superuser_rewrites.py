"""Whoever has the keys, the disk and the database rewrites one event of a held session: the stamps that others keep find it."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from aiohttp import web
from asn1crypto import tsp

from media.record.packs.check import check_bytes
from media.record.packs.proving import Trust
from server import verify
from server.config import Evidence, Settings
from server.evidence.anchoring import Anchoring
from server.evidence.identity import open_identity
from server.evidence.service import anchor_folders, authority_of
from server.evidence.signing import Authority, stamp
from server.recordings.http import RECORDINGS
from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.forged_journal import forge
from tests.support.hall import seeded, utc_now
from tests.support.held_session import HeldSession, hold_session
from tests.support.journal_events import journal_events

if TYPE_CHECKING:
    from pathlib import Path

    from server.db import Pool

LENGTH_S = 6.0


@dataclass
class Outside:
    """Other hands: an authority, and a folder on somebody else's disk."""

    url: str
    kept: Path
    certificate: Path


@pytest.fixture
async def outside(tmp_path: Path, aiohttp_server: Any) -> Outside:
    identity = open_identity(tmp_path / "outside", utc_now())

    async def answer(request: web.Request) -> web.Response:
        asked = tsp.TimeStampReq.load(await request.read())
        reply = await Authority("", identity, utc_now).stamper().async_request_tsa_response(asked)
        return web.Response(body=reply.dump(), content_type="application/timestamp-reply")

    service = web.Application()
    service.router.add_post("/", answer)
    server = await aiohttp_server(service)
    return Outside(str(server.make_url("/")), tmp_path / "elsewhere", tmp_path / "outside/ca.pem")


@pytest.fixture
def settings(outside: Outside, database_url: str, tmp_path: Path) -> Settings:
    data = tmp_path / "data"
    data.mkdir()
    evidence = Evidence(timestamp_url=outside.url, anchors_copy=outside.kept)
    return Settings(data=data, database_url=database_url, public_url="http://127.0.0.1", workers=0, evidence=evidence)


@dataclass
class Superuser:
    """Reads and writes everything on this machine: the session's key, the journal, the database without its triggers, our own keys."""

    client: Any
    db: Pool
    settings: Settings
    session: str
    room: str

    async def key(self) -> bytes:
        async with self.db.acquire() as conn, conn.transaction():
            key: bytes = await self.client.app[SESSION_KEY](conn, self.session)
            return key

    def journal(self) -> Path:
        directory: Path = self.client.app[RECORDINGS].journal_directory(self.session, self.room)
        return directory

    async def rewrite(self) -> dict[int, str]:
        """The second who joined was never there: somebody else was. Returns the new heads."""
        told = journal_events(self.journal(), await self.key())
        seat = [event["seat"] for event in told if event["kind"] == "joined"][1]

        def change(event: dict[str, Any]) -> dict[str, Any]:
            is_it = event["kind"] == "joined" and event["seat"] == seat
            return {**event, "data": {"label": {"role": "party", "name": "Somebody else"}}} if is_it else event

        return await asyncio.to_thread(forge, self.journal(), await self.key(), change)

    async def stamp_anew(self, heads: dict[int, str]) -> None:
        """Every stamped head gets a stamp of our own clock; rows and the file beside the journal are replaced."""
        own = msgspec.structs.replace(self.settings, evidence=Evidence())
        rows = await self.db.fetch("select id, block, stamped_at from anchor where kind = 'head' and token is not null")
        lines = []
        async with self.db.acquire() as conn, conn.transaction():
            await conn.execute("set local session_replication_role = replica")
            for row in rows:
                head, then = heads[row["block"]], row["stamped_at"]
                token = await stamp(authority_of(own, lambda at=then: at), bytes.fromhex(head))  # type: ignore[misc]
                await conn.execute("update anchor set imprint = $2, token = $3 where id = $1", row["id"], head, token)
                lines.append({"session": self.session, "room": self.room, "block": row["block"], "head": head, "token": base64.b64encode(token).decode()})  # fmt: skip
        path = self.settings.data / f"anchors/{self.session}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    async def make_anew(self, held: HeldSession) -> None:
        """Films and pack of the rewritten journal, made, signed and stamped by the product itself."""
        before = await self.pack_made_at()
        # Stamps that came late are not put into a pack that is being made anew.
        await self.db.execute("update anchor set packed_at = $1 where packed_at is null", utc_now())
        await self.db.execute("update recording set state = 'waiting' where session_id = $1", self.session)
        await self.db.execute("update job set state = 'waiting', finished_at = null, run_after = $2 where subject = $1", self.session, utc_now())  # fmt: skip
        await self.db.execute("select pg_notify('laizuo', $1)", json.dumps({"kind": "job", "subject": self.session}))

        async def why() -> str | None:
            return None if await self.pack_made_at() > before else "the pack is not made anew"

        await eventually(why, 150)
        await held.is_ready()

    async def pack_made_at(self) -> dt.datetime:
        at: dt.datetime = await self.db.fetchval("select made_at from film where session_id = $1 and kind = 'pack'", self.session)  # fmt: skip
        return at


async def pack_of(held: HeldSession) -> bytes:
    shown = await (await held.notary.get(f"/api/sessions/{held.id}")).json()
    data: bytes = await (await held.notary.get(shown["recording"]["pack"]["url"])).read()
    return data


async def stamp_heads(client: Any, db: Pool, settings: Settings) -> None:
    """One round of what the product does by itself; half a minute after its own, which may have seen no more than the beginning."""
    recordings = client.app[RECORDINGS]

    async def nothing(_: str) -> None:
        raise AssertionError("there is no pack yet")

    await db.execute("update anchor set noticed_at = noticed_at - interval '1 minute'")
    folders = anchor_folders(settings)
    await Anchoring(db, utc_now, recordings.authority, recordings.journal_directory, folders, nothing).once()


def last_block(kept: Path) -> int:
    """The newest that was stamped; -1 before the first."""
    lines = kept.read_text().splitlines() if kept.exists() else []
    return max((json.loads(line)["block"] for line in lines), default=-1)


def said(pack: bytes, trust: Trust = Trust()) -> list[str]:
    return [str(damage) for damage in check_bytes(memoryview(pack), trust).damages]


async def test_one_event_rewritten_with_every_key_in_hand_is_found_by_the_stamps_outside(
    client: Any, db: Pool, settings: Settings, outside: Outside, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, heads, superusers = tmp_path / "kept.jsonl", dict[int, str](), list[Superuser]()

    async def stamped_and_rewritten(session: str, room: str) -> None:
        await stamp_heads(client, db, settings)
        elsewhere = outside.kept / f"{session}.jsonl"
        await eventually(lambda: None if last_block(elsewhere) > 0 else "nothing is stamped but the beginning")
        kept.write_bytes(elsewhere.read_bytes())
        superusers.append(Superuser(client, db, settings, session, room))
        heads.update(await superusers[0].rewrite())

    held = await hold_session(client, db, await seeded(db), LENGTH_S, stamped_and_rewritten)
    [superuser] = superusers
    told = journal_events(superuser.journal(), await superuser.key())
    assert "Somebody else" in [event["data"]["label"]["name"] for event in told if event["kind"] == "joined"]
    # The stamps that lie in the database are still true: the product's own pack says so.
    assert "has another head than the one that" in " ".join(said(await pack_of(held)))

    await superuser.stamp_anew(heads)
    await superuser.make_anew(held)
    forged = await pack_of(held)
    (tmp_path / "pack.zip").write_bytes(forged)
    assert said(forged) == []  # nothing on this machine knows any more
    ours = verify.read_trust([settings.data / "keys/evidence/ca.pem", outside.certificate], [])
    assert said(forged, ours) == []

    assert verify.main([str(tmp_path / "pack.zip"), "--anchors", str(kept)]) == 1
    shown = capsys.readouterr().out
    assert f"journal/{superuser.room}, block {last_block(kept)}, second " in shown
    assert "has another head than the one that Laizuo trial clock stamped" in shown
