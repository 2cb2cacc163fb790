"""From an ended session to films that those in charge watch, and a pack that anybody can check."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientError

from media.record.packs.check import check_bytes
from media.record.sealed import CHUNK_BYTES, HEAD_BYTES
from server.recordings import store
from server.recordings.http import RECORDINGS
from server.recordings.jobs import KIND
from server.sessions.recording import SESSION_KEY
from tests.support.eventually import eventually
from tests.support.hall import City, Visitor, kiosk, seeded, staff, utc_now
from tests.support.synthetic_session import Person, measure, record

if TYPE_CHECKING:
    from pathlib import Path

    from server.db import Pool

Client = "TestClient[Any, Any]"
LENGTH_S = 4.0


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@dataclass
class Held:
    """A notarial session that was held, with its journal, and those who may and may not watch it."""

    id: str
    notary: Visitor
    other: Visitor
    journal: Path

    async def recording(self) -> dict[str, Any]:
        answer = await self.notary.get(f"/api/sessions/{self.id}")
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = (await answer.json())["recording"]
        return found

    async def state_is(self, wanted: str) -> None:
        async def reason() -> str | None:
            shown = await self.recording()
            return (
                None
                if shown["state"] == wanted
                else f"recording is {shown['state']}, {shown['cause']}, {shown['progress']}"
            )

        await eventually(reason, timeout_s=150)


async def hold(client: Client, db: Pool, city: City, *, with_journal: bool = True) -> Held:
    """Call a ticket, write what a worker would have written in four seconds, end the session."""
    api, visitor = kiosk(client, city, "liuyin")
    await visitor.send("POST", f"{api}/tickets", {"service": "notarization", "request_key": "press-0001"})
    notary, other = await staff(client, db, city, "li.wanqing"), await staff(client, db, city, "zhao.kun")
    session = (await (await notary.send("POST", "/api/desk/call-next", {})).json())["session"]
    began = utc_now() - dt.timedelta(seconds=LENGTH_S)
    await db.execute("update session set opened_at = $2 where id = $1", session, began)
    async with db.acquire() as conn, conn.transaction():
        key = await client.app[SESSION_KEY](conn, session)
        room = (await store.recorded_rooms(conn, session))[0]
        seats = list(await store.people(conn, session))
    directory = client.app[RECORDINGS].journal_directory(session, room)
    if with_journal:
        people = [Person(seats[0], "VP8", leaves=LENGTH_S), Person(seats[1], "H264", joins=1, leaves=LENGTH_S)]
        await asyncio.to_thread(
            record, directory, people, LENGTH_S, names=(session, room), key=key, wall_us=int(began.timestamp() * 1e6)
        )
    ended = await notary.send("POST", f"/api/sessions/{session}/end", {"reason": "completed"})
    assert ended.status == 200, await ended.text()
    return Held(session, notary, other, directory)


async def test_films_are_made_after_the_end_and_play_for_the_length_of_the_session(
    client: Client, db: Pool, city: City
) -> None:
    held = await hold(client, db, city)

    await held.state_is("ready")

    shown = await held.recording()
    assert [film["kind"] for film in shown["films"]] == ["composed", "person", "person"]
    assert abs(shown["duration_s"] - LENGTH_S) < 0.5
    for film in shown["films"]:
        answer = await held.notary.get(film["url"])
        assert (answer.status, answer.headers["Cache-Control"], answer.content_type) == (200, "no-store", film["type"])
        assert abs(measure(io.BytesIO(await answer.read())).length_s - LENGTH_S) < 0.5
    assert shown["problems"] == []
    track = await held.notary.get(f"/api/sessions/{held.id}/captions.vtt?lang=en")
    assert (track.status, track.content_type, (await track.text())[:6]) == (200, "text/vtt", "WEBVTT")
    mark = await (await held.notary.get(f"/api/sessions/{held.id}/view-mark?lang=en")).json()
    assert (mark["name"], abs(mark["at"] - utc_now().timestamp()) < 60) == ("Li Wanqing", True)
    for path in ("captions.vtt", "view-mark"):
        assert (await held.other.get(f"/api/sessions/{held.id}/{path}")).status == 404


async def test_a_part_of_a_film_is_answered_with_exactly_these_bytes(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")
    url = (await held.recording())["films"][0]["url"]
    whole = await (await held.notary.get(url)).read()

    async def part(wanted: str) -> tuple[int, str | None, bytes]:
        answer = await client.get(url, headers={**held.notary._headers(), "Range": wanted})
        return answer.status, answer.headers.get("Content-Range"), await answer.read()

    size = len(whole)
    assert size > 70_000
    assert await part("bytes=65530-65545") == (206, f"bytes 65530-65545/{size}", whole[65530:65546])
    assert await part("bytes=-10") == (206, f"bytes {size - 10}-{size - 1}/{size}", whole[-10:])
    assert await part(f"bytes={size - 1}-") == (206, f"bytes {size - 1}-{size - 1}/{size}", whole[-1:])
    assert (await part(f"bytes={size}-"))[:2] == (416, f"bytes */{size}")


async def test_a_player_that_drops_an_answer_disturbs_nobody(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")
    url = (await held.recording())["films"][0]["url"]

    for _ in range(5):
        answer = await client.get(url, headers=held.notary._headers())
        await answer.content.read(1000)
        answer.close()

    assert (await held.notary.get(url)).status == 200


async def test_a_film_damaged_on_disk_ends_early_and_never_gives_wrong_bytes(
    client: Client, db: Pool, city: City
) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")
    film = next(film for film in (await held.recording())["films"] if film["kind"] == "composed")
    assert film["bytes"] > CHUNK_BYTES + 2000  # the second piece is the one that is damaged
    path = next(client.app[RECORDINGS].data.rglob("composed.mp4.sealed"))
    raw = bytearray(path.read_bytes())
    raw[HEAD_BYTES + CHUNK_BYTES + 1000] ^= 1
    path.write_bytes(raw)

    with pytest.raises(ClientError):
        await (await held.notary.get(film["url"])).read()


async def test_only_the_person_in_charge_watches_and_each_view_is_in_the_audit_trail(
    client: Client, db: Pool, city: City
) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")
    shown = await held.recording()
    film, pack = shown["films"][0], shown["pack"]

    refused = [
        (await who.get(url)).status for who in (held.other, Visitor(client)) for url in (film["url"], pack["url"])
    ]
    assert [(await held.notary.get(film["url"])).status for _ in range(3)] == [200] * 3

    assert refused == [404, 404, 401, 401]
    views = await db.fetch(
        "select action, object_id from audit_entry where action in ('watch_recording', 'download_pack')"
    )
    assert [tuple(view) for view in views] == [("watch_recording", film["id"])]


async def test_the_pack_verifies_and_a_changed_one_does_not(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")

    answer = await held.notary.get((await held.recording())["pack"]["url"])
    pack = bytearray(await answer.read())

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="laizuo-')
    report = check_bytes(memoryview(pack))
    assert [str(damage) for damage in report.damages] == []
    told = " ".join(report.facts)
    assert "signed by Laizuo trial signer" in told
    assert "complete in this form at" in told
    assert "heads stamped" in told
    pack[len(pack) // 2] ^= 1
    assert check_bytes(memoryview(pack)).damages != []


async def test_nothing_on_disk_is_in_the_clear(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")

    files = [path for path in client.app[RECORDINGS].data.rglob("*") if path.is_file() and "keys" not in path.parts]

    assert {path.suffix for path in files} <= {".lzj", ".sealed", "", ".jsonl"}  # the last: time stamps, digests only
    for path in files:
        content = path.read_bytes()
        assert not any(mark in content for mark in (b"ftyp", b"OpusHead", b"\x1a\x45\xdf\xa3", b'"kind":"joined"')), (
            path
        )


async def test_a_session_without_a_journal_says_that_nothing_was_recorded(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city, with_journal=False)

    await held.state_is("failed")

    shown = await held.recording()
    assert (shown["cause"], shown["films"], shown["pack"]["state"]) == ("nothing was recorded", [], "failed")


async def test_a_job_whose_holder_was_killed_is_begun_again_by_another(client: Client, db: Pool, city: City) -> None:
    held = await hold(client, db, city)
    await held.state_is("ready")
    await db.execute("update recording set state = 'waiting' where session_id = $1", held.id)
    long_ago = utc_now() - dt.timedelta(hours=1)

    await db.execute(
        "update job set state = 'running', finished_at = null, leased_by = 'gone', leased_until = $2 where subject = $1",
        held.id,
        long_ago,
    )
    await db.execute("select pg_notify('laizuo', '{\"kind\": \"job\"}')")

    await held.state_is("ready")
    job = await db.fetchrow("select state, attempts from job where kind = $1 and subject = $2", KIND, held.id)
    assert (job["state"], job["attempts"]) == ("done", 2)
