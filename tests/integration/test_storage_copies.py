"""Packs go to a second place that nobody can change; an outage delays them; a flipped bit here is found and told."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from media.record.segments import list_segments
from server.config import ConfigError, ObjectStore
from server.db.claims import LEASE, claim
from server.db.pool import in_transaction
from server.keys import CLOCK
from server.recordings import store as recordings
from server.storage import scrubbing
from server.storage.copies import Copies
from server.storage.s3 import CopyWrong, Keys, LockedBucket, keys_from, presign
from server.storage.scrubbing import Scrub
from server.storage.store import CHECK, take_copy
from tests.integration.test_recordings import Held, hold
from tests.support.hall import City, seeded, staff, utc_now
from tests.support.object_lock import KEYS, LockServer, lock_server

if TYPE_CHECKING:
    from server.db import Pool

Client = "TestClient[Any, Any]"


@pytest.fixture
async def city(db: Pool) -> City:
    return await seeded(db)


@pytest.fixture
async def held(client: Client, db: Pool, city: City, tmp_path: Path) -> Held:
    """A session with a pack that nobody can read: a copy is of bytes, whatever they are."""
    session = await hold(client, db, city, with_journal=False)
    await session.state_is("failed")
    path = tmp_path / "films" / session.id / "pack.zip.sealed"
    path.parent.mkdir(parents=True)
    path.write_bytes(secrets.token_bytes(300_000))
    await db.execute(
        "insert into film (session_id, room_id, kind, path, content_type, bytes, length_us, made_at) "
        "select $1, id, 'pack', $2, 'application/zip', 300000, 0, now() from room where session_id = $1",
        session.id,
        str(path.relative_to(tmp_path)),
    )
    return session


@pytest.fixture
def bucket() -> Iterator[LockServer]:
    with lock_server() as server:
        yield server


def copies(db: Pool, data: Path, settings: ObjectStore) -> Copies:
    return Copies(db, utc_now, data, LockedBucket(settings, KEYS), settings.lock_days)


async def pack_of(db: Pool, session: str) -> recordings.FilmRow:
    async with db.acquire() as conn:
        pack = await recordings.pack(conn, session)
    assert pack is not None
    return pack


async def test_a_pack_is_copied_locked_and_read_back(
    client: Client, db: Pool, held: Held, bucket: LockServer, tmp_path: Path
) -> None:
    pack = await pack_of(db, held.id)
    original = (tmp_path / pack.path).read_bytes()
    loop = copies(db, tmp_path, bucket.settings(lock_days=3650))

    assert await loop.once()
    assert not await loop.once()  # all are copied

    row = await db.fetchrow("select * from pack_copy")
    assert (row["state"], row["sha256"]) == ("stored", hashlib.sha256(original).hexdigest())
    [(key, version)] = bucket.versions()
    assert (key, version) == (f"packs/{row['name']}", row["version"])
    assert bucket.content(key, version) == original
    retention = bucket.retention(key, version)
    assert retention["ObjectLockMode"] == "COMPLIANCE"
    assert retention["ObjectLockRetainUntilDate"] == row["retain_until"]
    assert row["retain_until"] - utc_now() > dt.timedelta(days=3649)
    assert bucket.delete(key, version) == "AccessDenied"
    assert (tmp_path / pack.path).read_bytes() == original
    entry = await db.fetchrow("select actor_kind, object_id from audit_entry where action = 'copy_pack'")
    assert tuple(entry) == ("system", held.id)


async def test_a_pack_that_grew_by_late_stamps_is_copied_again(
    client: Client, db: Pool, held: Held, bucket: LockServer, tmp_path: Path
) -> None:
    loop = copies(db, tmp_path, bucket.settings())
    assert await loop.once()
    assert not await loop.once()

    await db.execute("update film set bytes = bytes + 1 where kind = 'pack'")

    assert await loop.once()
    assert len(bucket.versions()) == 2


async def test_a_pack_made_anew_is_copied_and_the_copy_before_is_told_of(
    client: Client, db: Pool, city: City, held: Held, bucket: LockServer, tmp_path: Path
) -> None:
    """What was hidden since is still in the copy before: the page says how many there are, and until when."""
    loop = copies(db, tmp_path, bucket.settings())
    assert await loop.once()
    [(_, first)] = bucket.versions()

    await db.execute("update film set made_at = $1 where kind = 'pack'", utc_now())  # of the very same size

    assert await loop.once()
    before = await db.fetchrow("select version, retain_until from pack_copy_before")
    assert before["version"] == first
    administrator = await staff(client, db, city, "he.min")
    shown = (await (await administrator.get("/api/admin/storage")).json())["copies"]
    assert (shown["stored"], shown["older"]) == (1, 1)
    assert shown["older_until"] == pytest.approx(before["retain_until"].timestamp())
    assert 'data-testid="storage-older"' in await (await administrator.get("/admin/storage")).text()
    destroyed = "update recording set wrapped_key = null, state = 'destroyed', cause = null where session_id = $1"
    await db.execute(destroyed, held.id)
    assert (await (await administrator.get("/api/admin/storage")).json())["copies"]["older"] == 0


async def test_two_at_once_copy_a_pack_once(db: Pool, held: Held, bucket: LockServer, tmp_path: Path) -> None:
    two = [copies(db, tmp_path, bucket.settings()) for _ in range(2)]

    did = await asyncio.gather(*(loop.once() for loop in two))

    assert sorted(did) == [False, True]
    assert not await two[0].once()
    assert len(bucket.versions()) == 1
    assert await db.fetchval("select count(*) from work_claim") == 0


async def test_a_killed_process_s_copy_is_taken_over_after_its_lease(
    db: Pool, held: Held, bucket: LockServer, tmp_path: Path
) -> None:
    killed = await in_transaction(db, lambda conn: take_copy(conn, utc_now()))
    assert killed is not None
    loop = copies(db, tmp_path, bucket.settings())
    assert not await loop.once()
    await db.execute("update work_claim set until = until - $1::interval", LEASE)

    assert await loop.once()

    row = await db.fetchrow("select state, version from pack_copy")
    assert tuple(row) == ("stored", bucket.versions()[0][1])


async def test_a_bucket_that_is_away_delays_the_copy_and_nothing_else(
    client: Client, db: Pool, held: Held, tmp_path: Path
) -> None:
    with lock_server() as server:
        settings = server.settings()
    loop = copies(db, tmp_path, settings)  # nobody listens there any more

    assert await loop.once()

    row = await db.fetchrow("select state, error, run_after, attempts from pack_copy")
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert row["error"].startswith("StoreAway")
    assert utc_now() < row["run_after"] <= utc_now() + dt.timedelta(minutes=1)
    assert (await held.notary.get(f"/api/sessions/{held.id}")).status == 200
    with lock_server() as back:
        await db.execute("update pack_copy set run_after = $1", utc_now())
        assert await copies(db, tmp_path, back.settings()).once()
    assert await db.fetchval("select state from pack_copy") == "stored"


async def test_a_copy_that_is_not_what_was_sent_is_noticed(bucket: LockServer, tmp_path: Path) -> None:
    file = tmp_path / "pack"
    file.write_bytes(b"evidence")
    place = LockedBucket(bucket.settings(), KEYS)
    version = await place.put(file, "s/f")

    with pytest.raises(CopyWrong, match="locked as nothing"):
        await place.read_back("s/f", version)  # nobody locked it


def test_a_request_is_signed_as_the_documentation_signs_its_example() -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, with its key, but our five minutes."""
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    at = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)

    url = presign("GET", "https://examplebucket.s3.amazonaws.com", "/test.txt", {}, keys, "us-east-1", at, 86400)

    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_a_wrong_setting_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError, match="s3://bucket"):
        LockedBucket(ObjectStore("https://bucket.example"), KEYS)
    with pytest.raises(ConfigError, match="AWS_SECRET_ACCESS_KEY"):
        keys_from({"AWS_ACCESS_KEY_ID": "k"})


# ---------------------------------------------------------------- the monthly look


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0x10
    path.write_bytes(data)


@pytest.fixture
def only_we_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own look, once there is nothing to look at, comes no more. Ask for it before the server."""
    monkeypatch.setattr(scrubbing, "LOOK_EVERY_S", 1e6)


async def test_each_month_everything_is_read_again_and_one_flipped_bit_is_found_and_told(
    post_waits: None,
    only_we_look: None,
    client: Client,
    db: Pool,
    city: City,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scrubbing, "AGAIN_S", 0.0)
    held = await hold(client, db, city)
    await held.state_is("ready")
    look = Scrub(client.app)
    assert not await look.once(), "a recording of today is left in peace"
    await db.execute("update recording set made_at = made_at - interval '2 days'")
    await in_transaction(db, lambda conn: claim(conn, CHECK, held.id, client.app[CLOCK]()))
    assert not await look.once(), "another looks at it"
    await db.execute("update work_claim set until = until - $1::interval", LEASE)  # who was killed a minute ago

    assert await look.once()

    row = await db.fetchrow("select bytes, damage from recording_check")
    pack = await pack_of(db, held.id)
    assert row["damage"] == []
    assert row["bytes"] > pack.bytes
    assert not await look.once(), "once a month"
    assert await db.fetchval("select count(*) from outbox where kind like 'storage%'") == 0

    sealed = tmp_path / pack.path
    film = min(path for path in sealed.parent.iterdir() if path != sealed)
    for number, (victim, spoil) in enumerate(
        ((sealed, flip), (film, flip), (list_segments(held.journal)[0], flip), (film, Path.unlink)), 1
    ):
        whole = victim.read_bytes()
        spoil(victim)
        await a_month_passes(db)
        assert await look.once()
        await is_told(client, db, city, victim.name, number)
        victim.write_bytes(whole)
    await a_month_passes(db)
    assert await look.once()
    assert await db.fetchval("select damage from recording_check") == []
    assert (await held.notary.get("/api/admin/storage")).status == 403


async def a_month_passes(db: Pool) -> None:
    await db.execute("update recording_check set checked_at = checked_at - interval '31 days'")


async def is_told(client: Client, db: Pool, city: City, file: str, times: int) -> None:
    """To each administrator in a message, and on the page."""
    damage = await db.fetchval("select damage from recording_check")
    assert all(what.startswith(file) for what in damage), damage
    administrators = "select count(distinct person_id) from role_grant where role = 'administrator'"
    told = await db.fetch("select body from outbox where kind = 'storage_damage' order by id")
    assert len(told) == times * await db.fetchval(administrators)
    assert damage[0] in told[-1]["body"]
    name = await db.fetchval(
        "select user_name from person p join role_grant g on g.person_id = p.id where g.role = 'administrator' limit 1"
    )
    administrator = await staff(client, db, city, name)
    shown = (await (await administrator.get("/api/admin/storage")).json())["checks"]
    assert (shown["damaged"], shown["last"][0]["damage"]) == (1, damage)
    for language in ("zh-CN", "en"):
        assert file in await (await administrator.get(f"/admin/storage?lang={language}")).text()
