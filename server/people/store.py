"""People and their sign-ins in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Role
    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the staff."""

    id: str
    user_name: str
    name_zh: str
    name_en: str

    def name(self, language: str) -> str:
        """The name in the language of the page."""
        return self.name_en if language == "en" else self.name_zh


@dataclass(frozen=True, slots=True)
class PersonListed:
    """A row of the administrator's list."""

    id: str
    user_name: str
    name_zh: str
    name_en: str
    disabled: bool
    roles: list[str]


async def password_of(conn: Connection, user_name: str) -> tuple[str, str | None] | None:
    """(person id, stored password) of an enabled person."""
    row = await conn.fetchrow(_SQL["person_for_sign_in"], user_name)
    return None if row is None else (row["id"], row["password_hash"])


async def insert_sign_in(conn: Connection, token_hash: bytes, person_id: str, now: datetime, expires: datetime) -> None:
    """Remember a sign-in by the hash of its token."""
    await conn.execute(_SQL["insert_sign_in"], token_hash, UUID(person_id), now, expires)


async def revoke_sign_in(conn: Connection, token_hash: bytes, now: datetime) -> None:
    """The token is worth nothing from now on."""
    await conn.execute(_SQL["revoke_sign_in"], token_hash, now)


async def insert_person(conn: Connection, user_name: str, name_zh: str, name_en: str, password_hash: str | None) -> str:
    """A new person's id. Raises asyncpg.UniqueViolationError for a user name in use."""
    person_id: str = await conn.fetchval(_SQL["insert_person"], user_name, name_zh, name_en, password_hash)
    return person_id


async def insert_grant(conn: Connection, person_id: str, role: Role, site_id: str) -> None:
    """Give a role at a site; given twice is given once."""
    await conn.execute(_SQL["insert_grant"], UUID(person_id), role.value, UUID(site_id))


async def load_person(conn: Connection, person_id: str) -> Person:
    """One person. The id comes from an Actor, so the row exists."""
    row = await conn.fetchrow(_SQL["person"], UUID(person_id))
    assert row is not None
    return Person(**dict(row))


async def people_below(conn: Connection, site_id: str) -> list[PersonListed]:
    """Everybody with a role at or below a site."""
    return [PersonListed(**dict(row)) for row in await conn.fetch(_SQL["people_below"], UUID(site_id))]


async def count_people(conn: Connection) -> int:
    """How many people there are; none means an empty database."""
    count: int = await conn.fetchval(_SQL["count_people"])
    return count
