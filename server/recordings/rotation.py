"""Master keys: from a file or from the environment; after a new one was added, every recording's key is wrapped under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from media.record.keys import KeyProblem, MasterKeys, load_master_keys, parse_master_keys
from server import audit
from server.config import ConfigError
from server.db.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from server.access.core import Actor
    from server.db import Connection

_SQL = load_statements(__package__)
# `name base64`, several with commas between them: for who has secrets in the environment and not on the disk.
VARIABLE = "LAIZUO_MASTER_KEYS"


def master_keys(file: Path, environ: Mapping[str, str]) -> MasterKeys:
    """Those of the environment, else of the file, which is made when it is missing. Raises ConfigError, OSError."""
    try:
        if VARIABLE in environ:
            return parse_master_keys(environ[VARIABLE].replace(",", "\n"))
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return load_master_keys(file)
    except KeyProblem as error:
        raise ConfigError(f"{VARIABLE if VARIABLE in environ else file}: {error}") from error


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many keys are now under the current master key, how many were before, and the sessions whose key does not open."""

    done: int
    current: int
    closed: tuple[str, ...]


async def rewrap(conn: Connection, keys: MasterKeys, actor: Actor, now: datetime) -> Rewrapped:
    """Wrap every recording's key under the current master key; a master key that is used by none can then be thrown away."""
    done, current, closed = 0, 0, []
    for row in await conn.fetch(_SQL["wrapped_keys"]):
        session, wrapped = row["session"], row["wrapped_key"]
        if keys.is_current(wrapped):
            current += 1
            continue
        try:
            anew = keys.wrap(keys.unwrap(wrapped, session), session)
        except KeyProblem:
            closed.append(session)
            continue
        await conn.execute(_SQL["wrap_anew"], session, anew)
        done += 1
    await audit.append(conn, actor, "rewrap_keys", "recording", None, now, {"done": done, "closed": len(closed)})
    return Rewrapped(done, current, tuple(closed))
