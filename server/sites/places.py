"""What a site is like: where it stands, its photograph, its counters and rooms. Changed by its administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from server import audit
from server.access.core import Action
from server.access.require import as_uuid, require_site
from server.db.statements import load_statements
from server.errors import Conflict, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from server.access.core import Actor
    from server.db import Connection

_SQL = load_statements(__package__)


@dataclass(frozen=True, slots=True)
class Place:
    """A site as it is. latitude, longitude: WGS 84 degrees, both or neither; photo_path: below the data directory, or empty."""

    id: str
    slug: str
    kind: str
    name_zh: str
    name_en: str
    address_zh: str
    address_en: str
    latitude: float | None
    longitude: float | None
    photo_path: str

    @property
    def photo_url(self) -> str | None:
        """A new photograph has a new address."""
        return f"/sites/{self.slug}/photo.jpg?v={self.photo_path[-12:-4]}" if self.photo_path else None


@dataclass(frozen=True, slots=True)
class Space:
    """A counter or a room. services: those it serves; none: all."""

    id: str
    kind: str
    name_zh: str
    name_en: str
    services: tuple[str, ...]


async def load(conn: Connection, by: Actor, site_id: str) -> tuple[Place, list[Space]]:
    """A site of one's own with its open counters and rooms. Raises NotFound, NotAllowed."""
    site = await require_site(conn, by, Action.MANAGE_SITES, site_id)
    row = await conn.fetchrow(_SQL["place"], UUID(site.id))
    assert row is not None
    spaces = await conn.fetch(_SQL["spaces_of"], UUID(site.id))
    return Place(**dict(row)), [Space(**{**dict(one), "services": tuple(one["services"])}) for one in spaces]


async def show(conn: Connection, slug: str) -> Place:
    """A site as everybody may see it. Raises NotFound."""
    row = await conn.fetchrow(_SQL["place_by_slug"], slug)
    if row is None:
        raise NotFound()
    return Place(**dict(row))


async def save(conn: Connection, by: Actor, site_id: str, values: dict[str, Any], now: datetime) -> None:
    """Names, addresses and position. Raises NotFound, NotAllowed."""
    site = await require_site(conn, by, Action.MANAGE_SITES, site_id)
    names = ("name_zh", "name_en", "address_zh", "address_en", "latitude", "longitude")
    async with conn.transaction():
        await conn.execute(_SQL["save_place"], UUID(site.id), *(values[name] for name in names))
        await audit.append(conn, by, "change_site", "site", site.id, now)


async def save_photo(conn: Connection, by: Actor, site_id: str, path: str, now: datetime) -> None:
    """Another photograph. Raises NotFound, NotAllowed."""
    site = await require_site(conn, by, Action.MANAGE_SITES, site_id)
    async with conn.transaction():
        await conn.execute(_SQL["save_photo"], UUID(site.id), path)
        await audit.append(conn, by, "change_photo", "site", site.id, now)


async def photo_path(conn: Connection, slug: str) -> str:
    """Below the data directory. Raises NotFound: no such site, or no photograph of it."""
    path: str | None = await conn.fetchval(_SQL["photo_of"], slug)
    if path is None:
        raise NotFound()
    return path


async def open_space(conn: Connection, by: Actor, site_id: str, new: Space, now: datetime) -> str:
    """A counter or a room; its id. Raises NotFound, NotAllowed, Conflict('space_taken')."""
    site = await require_site(conn, by, Action.MANAGE_SITES, site_id)
    async with conn.transaction():
        values = (UUID(site.id), new.kind, new.name_zh, new.name_en, list(new.services))
        space_id: str | None = await conn.fetchval(_SQL["open_space"], *values)
        if space_id is None:
            raise Conflict("space_taken", field="name_zh")
        await audit.append(conn, by, "open_space", "space", space_id, now)
    return space_id


async def close_space(conn: Connection, by: Actor, space_id: str, now: datetime) -> None:
    """No new appointments there; those that are made stay. Raises NotFound, NotAllowed."""
    site_id = await conn.fetchval(_SQL["site_of_space"], as_uuid(space_id))
    if site_id is None:
        raise NotFound()
    await require_site(conn, by, Action.MANAGE_SITES, site_id)
    async with conn.transaction():
        await conn.execute(_SQL["close_space"], as_uuid(space_id), now)
        await audit.append(conn, by, "close_space", "space", space_id, now)
