"""Sites in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.db.statements import load_statements

if TYPE_CHECKING:
    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Site:
    """One place of the tree; `depth` counts from the root."""

    id: str
    parent_id: str | None
    slug: str
    kind: str
    name_zh: str
    name_en: str
    depth: int

    def name(self, language: str) -> str:
        """The name in the language of the page."""
        return self.name_en if language == "en" else self.name_zh


@dataclass(frozen=True, slots=True)
class NewSite:
    """What it takes to make a site."""

    slug: str
    kind: str
    name_zh: str
    name_en: str
    address_zh: str = ""
    address_en: str = ""


async def insert_site(conn: Connection, parent_id: str | None, new: NewSite) -> str:
    """The new site's id. Raises asyncpg.UniqueViolationError for a slug in use, CheckViolationError for a bad one."""
    parent = UUID(parent_id) if parent_id else None
    values = (parent, new.slug, new.kind, new.name_zh, new.name_en, new.address_zh, new.address_en)
    site_id: str = await conn.fetchval(_SQL["insert_site"], *values)
    return site_id


async def insert_area(conn: Connection, site_id: str, service: str, letter: str) -> None:
    """Let people wait for a service of this site."""
    await conn.execute(_SQL["insert_area"], UUID(site_id), service, letter)


async def load_tree(conn: Connection) -> list[Site]:
    """All sites, parents before children."""
    return [Site(**dict(row)) for row in await conn.fetch(_SQL["tree"])]


async def load_roots(conn: Connection) -> list[str]:
    """Ids of the sites that have no parent."""
    return [row["id"] for row in await conn.fetch(_SQL["roots"])]
