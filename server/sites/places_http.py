"""A site over HTTP: the administrator's page of it, its photograph, its counters and rooms."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from server.access.core import Action
from server.access.require import require_site
from server.api import Call, Operation
from server.errors import BadInput, NotFound
from server.keys import SETTINGS
from server.pages import Page, page
from server.sites import photos, places

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Address = Annotated[str, msgspec.Meta(max_length=120)]
ServiceOfPlace = Literal["notarization", "mediation", "legal_aid", "legal_advice"]
PHOTO_BYTES = 1024 * 1024 - 1  # what the web process takes at once


class SpaceShown(msgspec.Struct):
    """A counter or a room. `services`: none means all."""

    id: str
    kind: str
    name_zh: str
    name_en: str
    services: list[str]


class PlaceShown(msgspec.Struct):
    """A site as it is; position in degrees of WGS 84."""

    id: str
    slug: str
    kind: str
    name_zh: str
    name_en: str
    address_zh: str
    address_en: str
    latitude: float | None
    longitude: float | None
    photo: str | None
    spaces: list[SpaceShown]


class SetPlace(msgspec.Struct, forbid_unknown_fields=True):
    """Names, addresses, position (both numbers or none)."""

    name_zh: Name
    name_en: Name
    address_zh: Address = ""
    address_en: Address = ""
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None


class OpenSpace(msgspec.Struct, forbid_unknown_fields=True):
    """A counter or a room."""

    kind: Literal["counter", "room"]
    name_zh: Name
    name_en: Name
    services: Annotated[list[ServiceOfPlace], msgspec.Meta(max_length=4)] = []


class SpaceOpened(msgspec.Struct):
    """Its id."""

    id: str


class PlaceSaved(msgspec.Struct):
    """It is as sent."""

    id: str


async def place_page(call: Call[None]) -> web.StreamResponse:
    """The administrator's page of one site; its data comes from the API."""
    async with call.connection() as conn:
        await require_site(conn, call.actor, Action.MANAGE_SITES, call.path("site"))
    return page(call, "place.html")


async def show_place(call: Call[None]) -> PlaceShown:
    """One site."""
    async with call.connection() as conn:
        place, spaces = await places.load(conn, call.actor, call.path("site"))
    return PlaceShown(
        place.id, place.slug, place.kind, place.name_zh, place.name_en, place.address_zh, place.address_en,
        place.latitude, place.longitude, place.photo_url,
        [SpaceShown(one.id, one.kind, one.name_zh, one.name_en, list(one.services)) for one in spaces],
    )  # fmt: skip


async def set_place(call: Call[SetPlace]) -> PlaceSaved:
    """Change what it is called and where it is."""
    if (call.body.latitude is None) != (call.body.longitude is None):
        raise BadInput("bad_position", field="longitude" if call.body.longitude is None else "latitude")
    async with call.connection() as conn:
        await places.save(conn, call.actor, call.path("site"), msgspec.structs.asdict(call.body), call.now)
    return PlaceSaved(call.path("site"))


async def set_photo(call: Call[None]) -> PlaceSaved:
    """The body is the picture: JPEG, PNG or WebP."""
    async with call.connection() as conn:
        await require_site(conn, call.actor, Action.MANAGE_SITES, call.path("site"))
    if (call.request.content_length or 0) > PHOTO_BYTES:
        raise BadInput("too_large", detail=f"at most {PHOTO_BYTES} bytes")
    raw = await call.request.read()
    path = await asyncio.to_thread(photos.keep, call.app[SETTINGS].data, raw)
    async with call.connection() as conn:
        await places.save_photo(conn, call.actor, call.path("site"), path, call.now)
    return PlaceSaved(call.path("site"))


async def photo(call: Call[None]) -> web.StreamResponse:
    """The photograph, for everybody."""
    async with call.connection() as conn:
        path = call.app[SETTINGS].data / await places.photo_path(conn, call.path("slug"))
    if not path.is_file():
        raise NotFound()
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


async def open_space(call: Call[OpenSpace]) -> SpaceOpened:
    """Add a counter or a room."""
    body = call.body
    new = places.Space("", body.kind, body.name_zh, body.name_en, tuple(body.services))
    async with call.connection() as conn:
        return SpaceOpened(await places.open_space(conn, call.actor, call.path("site"), new, call.now))


async def close_space(call: Call[None]) -> PlaceSaved:
    """Take it out of use."""
    async with call.connection() as conn:
        await places.close_space(conn, call.actor, call.path("space"), call.now)
    return PlaceSaved(call.path("space"))


_MAY = Action.MANAGE_SITES
_SITE = "/api/admin/sites/{site}"
OPERATIONS = [
    Operation("GET", _SITE, show_place, _MAY, "A site with its counters and rooms", reply=PlaceShown),
    Operation("PUT", _SITE, set_place, _MAY, "Names, addresses, position of a site", body=SetPlace, reply=PlaceSaved),
    Operation("PUT", f"{_SITE}/photo", set_photo, _MAY, "The photograph of a site (the body is the picture)", reply=PlaceSaved),
    Operation("POST", f"{_SITE}/spaces", open_space, _MAY, "Add a counter or a room", body=OpenSpace, reply=SpaceOpened, status=201),
    Operation("DELETE", "/api/admin/spaces/{space}", close_space, _MAY, "Take a counter or a room out of use", reply=PlaceSaved),
    Operation("GET", "/sites/{slug}/photo.jpg", photo, Action.SEE_PUBLIC, "The photograph of a site", media_type="image/jpeg"),
]  # fmt: skip
PAGES = [Page("/admin/sites/{site}", place_page, _MAY)]
