"""The administrator's page: the tree of sites with its endpoints and people, and what can be added to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from server.access.core import Action, Role
from server.access.require import require_site
from server.api import Call, Operation, add_operations
from server.endpoints import service as endpoint_service
from server.endpoints import store as endpoints
from server.i18n import language_of
from server.keys import SETTINGS
from server.pages import Page, add_pages, page
from server.people import service as people_service
from server.people import store as people
from server.sites import places_http, store
from server.sites.service import add_site

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
SiteKind = Literal["city", "county", "district", "town", "sub_district", "village", "residents", "park", "parlour"]
EndpointKind = Literal["kiosk", "room_system", "counter", "duty_desk", "hall_screen", "phone"]
StaffRole = Literal["site_worker", "notary", "notary_assistant", "mediator", "lawyer", "coordinator", "administrator"]
ServiceName = Literal["notarization", "mediation", "legal_aid", "legal_advice"]


class SiteShown(msgspec.Struct):
    """A place of the tree; `depth` counts from the root."""

    id: str
    slug: str
    kind: str
    name: str
    depth: int


class EndpointShown(msgspec.Struct):
    """A device. `state`: waiting (for its code), enrolled, revoked. `last_seen_at` in unix seconds."""

    id: str
    name: str
    kind: str
    site_slug: str
    site_name: str
    state: str
    last_seen_at: float | None


class PersonShown(msgspec.Struct):
    """Somebody of the staff."""

    id: str
    user: str
    name: str
    roles: list[str]
    disabled: bool


class Administration(msgspec.Struct):
    """All that an administrator looks after."""

    sites: list[SiteShown]
    endpoints: list[EndpointShown]
    people: list[PersonShown]


class AddSite(msgspec.Struct, forbid_unknown_fields=True):
    """A new site below another."""

    parent: str
    slug: Slug
    kind: SiteKind
    name_zh: Name
    name_en: Name
    services: list[ServiceName] = []


class AddEndpoint(msgspec.Struct, forbid_unknown_fields=True):
    """A new device at a site."""

    site: str
    kind: EndpointKind
    name_zh: Name
    name_en: Name


class AddPerson(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody new, with one role at one site."""

    user: Annotated[str, msgspec.Meta(min_length=2, max_length=63)]
    name_zh: Name
    name_en: Name
    password: Annotated[str, msgspec.Meta(max_length=256)]
    role: StaffRole
    site: str


class Added(msgspec.Struct):
    """The id of what was added."""

    id: str


class EnrolmentCode(msgspec.Struct):
    """A one-time code, told once."""

    endpoint: str
    code: str
    url: str


class Revoked(msgspec.Struct):
    """The device is shut out."""

    endpoint: str


def administered(call: Call[Any]) -> frozenset[str]:
    """The sites whose administrator this person is."""
    return frozenset(grant.site_id for grant in call.actor.grants if grant.role is Role.ADMINISTRATOR)


async def admin_page(call: Call[None]) -> web.StreamResponse:
    """The page; its data comes from /api/admin."""
    return page(call, "admin.html")


async def administration(call: Call[None]) -> Administration:
    """Sites, endpoints and people at or below the administrator's sites."""
    english = language_of(call.request) == "en"
    found = Administration([], [], [])
    async with call.connection() as conn:
        tree = await store.load_tree(conn)
        for site_id in sorted(administered(call)):
            inside = {endpoint.id for endpoint in found.endpoints}
            found.endpoints += [
                _endpoint(row, english)
                for row in await endpoints.endpoints_below(conn, site_id)
                if row.id not in inside
            ]
            known = {person.id for person in found.people}
            found.people += [
                _person(row, english) for row in await people.people_below(conn, site_id) if row.id not in known
            ]
            found.sites = found.sites or [_site(site, english) for site in _below(tree, administered(call))]
    return found


def _below(tree: list[store.Site], tops: frozenset[str]) -> list[store.Site]:
    """The sites at or below `tops`; the tree lists parents before children."""
    inside: set[str] = set()
    for site in tree:
        if site.id in tops or site.parent_id in inside:
            inside.add(site.id)
    return [site for site in tree if site.id in inside]


def _site(site: store.Site, english: bool) -> SiteShown:
    return SiteShown(site.id, site.slug, site.kind, site.name_en if english else site.name_zh, site.depth)


def _endpoint(row: endpoints.EndpointListed, english: bool) -> EndpointShown:
    state = "revoked" if row.revoked_at else "enrolled" if row.enrolled_at else "waiting"
    name, site_name = (row.name_en, row.site_name_en) if english else (row.name_zh, row.site_name_zh)
    return EndpointShown(
        row.id,
        name,
        row.kind,
        row.site_slug,
        site_name,
        state,
        row.last_seen_at.timestamp() if row.last_seen_at else None,
    )


def _person(row: people.PersonListed, english: bool) -> PersonShown:
    return PersonShown(row.id, row.user_name, row.name_en if english else row.name_zh, row.roles, row.disabled)


async def add_site_below(call: Call[AddSite]) -> Added:
    """A new site below one of the administrator's."""
    body = call.body
    async with call.connection() as conn:
        parent = await require_site(conn, call.actor, Action.MANAGE_SITES, body.parent)
        new = store.NewSite(body.slug, body.kind, body.name_zh, body.name_en)
        return Added(await add_site(conn, call.actor, parent.id, new, body.services, call.now))


async def add_endpoint(call: Call[AddEndpoint]) -> EnrolmentCode:
    """Register a device; the answer holds the code that enrols it."""
    body = call.body
    async with call.connection() as conn:
        site = await require_site(conn, call.actor, Action.MANAGE_ENDPOINTS, body.site)
        names = (body.name_zh, body.name_en)
        endpoint_id, code = await endpoint_service.add_endpoint(conn, call.actor, site.id, body.kind, names, call.now)
    return _code(call, endpoint_id, code)


async def renew_code(call: Call[None]) -> EnrolmentCode:
    """Another one-time code for a device."""
    async with call.connection() as conn:
        code = await endpoint_service.renew_code(conn, call.actor, call.path("device"), call.now)
    return _code(call, call.path("device"), code)


def _code(call: Call[Any], endpoint_id: str, code: str) -> EnrolmentCode:
    base = call.app[SETTINGS].public_url.rstrip("/") or f"{call.request.scheme}://{call.request.host}"
    return EnrolmentCode(endpoint_id, code, f"{base}/kiosk/enrol?code={code}")


async def revoke(call: Call[None]) -> Revoked:
    """Shut a device out."""
    async with call.connection() as conn:
        await endpoint_service.revoke(conn, call.actor, call.path("device"), call.now)
    return Revoked(call.path("device"))


async def add_person(call: Call[AddPerson]) -> Added:
    """Somebody new, with a role at or below a site of the administrator's own."""
    body = call.body
    async with call.connection() as conn:
        site = await require_site(conn, call.actor, Action.MANAGE_PEOPLE, body.site)
        names = (body.name_zh, body.name_en)
        grants = [(Role(body.role), site.id)]
        return Added(
            await people_service.add_person(conn, call.actor, body.user, names, body.password, grants, call.now)
        )


OPERATIONS = [
    Operation(
        "GET", "/api/admin", administration, Action.MANAGE_SITES, "Sites, endpoints and people", reply=Administration
    ),
    Operation(
        "POST",
        "/api/admin/sites",
        add_site_below,
        Action.MANAGE_SITES,
        "Add a site",
        body=AddSite,
        reply=Added,
        status=201,
    ),
    Operation(
        "POST",
        "/api/admin/people",
        add_person,
        Action.MANAGE_PEOPLE,
        "Add a person",
        body=AddPerson,
        reply=Added,
        status=201,
    ),
    Operation(
        "POST",
        "/api/admin/endpoints",
        add_endpoint,
        Action.MANAGE_ENDPOINTS,
        "Add an endpoint",
        body=AddEndpoint,
        reply=EnrolmentCode,
        status=201,
    ),
    Operation(
        "POST",
        "/api/admin/endpoints/{device}/code",
        renew_code,
        Action.MANAGE_ENDPOINTS,
        "Another enrolment code",
        reply=EnrolmentCode,
    ),
    Operation(
        "POST",
        "/api/admin/endpoints/{device}/revoke",
        revoke,
        Action.MANAGE_ENDPOINTS,
        "Shut a device out",
        reply=Revoked,
    ),
]
PAGES = [Page("/admin", admin_page, Action.MANAGE_SITES)]


def add(app: web.Application) -> None:
    """Plug in."""
    add_operations(app, OPERATIONS + places_http.OPERATIONS)
    add_pages(app, PAGES + places_http.PAGES)
