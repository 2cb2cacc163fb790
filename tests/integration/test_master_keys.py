"""A new master key: every recording's key goes under it, and the old one can be thrown away. Keys may come in the environment."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from media.record.keys import KeyProblem, parse_master_keys
from server.access.core import Actor
from server.config import ConfigError
from server.recordings.rotation import VARIABLE, master_keys, rewrap

if TYPE_CHECKING:
    from server.db import Pool

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
SESSIONS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
OLD, NEW, LOST = (
    f"{name} {base64.b64encode(bytes([number]) * 32).decode()}" for number, name in enumerate(("k1", "k2", "k3"))
)


async def test_every_key_goes_under_the_new_master_key(db: Pool) -> None:
    old, both = parse_master_keys(OLD), parse_master_keys(f"{OLD}\n{NEW}")
    wrapped = [old.wrap(bytes(32), SESSIONS[0]), both.wrap(bytes(32), SESSIONS[1]), parse_master_keys(LOST).wrap(bytes(32), SESSIONS[2])]  # fmt: skip
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("set local session_replication_role = replica")  # only the rows that this test is about
        rows = [(session, key, NOW) for session, key in zip(SESSIONS, wrapped, strict=True)]
        await conn.executemany("insert into recording (session_id, wrapped_key, created_at) values ($1, $2, $3)", rows)

    async with db.acquire() as conn, conn.transaction():
        found = await rewrap(conn, both, Actor("system", "operator"), NOW)

    assert (found.done, found.current, found.closed) == (1, 1, (SESSIONS[2],))
    new = parse_master_keys(NEW)
    keys = dict(await db.fetch("select session_id::text, wrapped_key from recording"))
    assert [new.unwrap(keys[session], session) for session in SESSIONS[:2]] == [bytes(32)] * 2
    with pytest.raises(KeyProblem):
        old.unwrap(keys[SESSIONS[0]], SESSIONS[0])
    assert keys[SESSIONS[2]] == wrapped[2]  # not touched
    assert await db.fetchval("select detail->>'done' from audit_entry where action = 'rewrap_keys'") == "1"


def test_keys_of_the_environment_come_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys/master.key"

    keys = master_keys(file, {VARIABLE: f"{OLD}, {NEW}"})

    assert (sorted(keys.keys), keys.current) == (["k1", "k2"], "k2")
    assert not file.exists()
    assert master_keys(file, {}).current == "k1"
    assert file.exists()
    with pytest.raises(ConfigError, match="LAIZUO_MASTER_KEYS: master keys, line 1") as raised:
        master_keys(file, {VARIABLE: "k1 secret"})
    assert "secret" not in str(raised.value)
