"""Signing in and out, and making people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from server import audit
from server.access.core import Actor, Role
from server.access.passwords import MIN_LENGTH, hash_password, verify_password
from server.access.tokens import new_token, token_hash
from server.errors import BadInput, Conflict, UserError
from server.people import store
from server.people.core import SIGN_IN_LASTS

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection


class WrongPassword(UserError):
    """User name or password is wrong; which of the two is not told."""

    status = 401

    def __init__(self) -> None:
        super().__init__("wrong_password")


async def sign_in(conn: Connection, user_name: str, password: str, now: datetime) -> str:
    """A fresh token for the staff cookie. Raises WrongPassword."""
    found = await store.password_of(conn, user_name)
    fits = await verify_password(found[1] if found else None, password)
    if found is None or not fits:
        raise WrongPassword()
    return await sign_in_as(conn, found[0], now)


async def sign_in_as(conn: Connection, person_id: str, now: datetime) -> str:
    """A fresh token for a person whose identity is settled; the demo's one click uses it too."""
    token = new_token()
    async with conn.transaction():
        await store.insert_sign_in(conn, token_hash(token), person_id, now, now + SIGN_IN_LASTS)
        await audit.append(conn, Actor("person", person_id), "sign_in", "person", person_id, now)
    return token


async def sign_out(conn: Connection, actor: Actor, token: str, now: datetime) -> None:
    """End one sign-in."""
    async with conn.transaction():
        await store.revoke_sign_in(conn, token_hash(token), now)
        await audit.append(conn, actor, "sign_out", "person", actor.id, now)


async def add_person(
    conn: Connection,
    by: Actor,
    user_name: str,
    names: tuple[str, str],
    password: str,
    grants: list[tuple[Role, str]],
    now: datetime,
) -> str:
    """A new person with roles; `names` = (Chinese, English). Raises BadInput, Conflict('user_name_taken')."""
    if len(password) < MIN_LENGTH:
        raise BadInput("password_too_short", field="password", detail=f"at least {MIN_LENGTH} characters")
    stored = await hash_password(password)
    async with conn.transaction():
        try:
            person_id = await store.insert_person(conn, user_name, names[0], names[1], stored)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("user_name_taken", field="user_name") from error
        except asyncpg.CheckViolationError as error:
            raise BadInput("bad_user_name", field="user_name") from error
        for role, site_id in grants:
            await store.insert_grant(conn, person_id, role, site_id)
        await audit.append(
            conn, by, "add_person", "person", person_id, now, {"roles": [role.value for role, _ in grants]}
        )
    return person_id
