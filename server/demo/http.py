"""The start page, and in the demo the one-click ways in and /demo.json. Nothing here answers outside of the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address

import msgspec
from aiohttp import web

from schedules.store.feeds import list_public_slugs
from server.access.core import Action
from server.api import Call, Operation, add_operations, to_json
from server.db.pool import connection
from server.demo.city import PEOPLE, SITES, DemoPerson
from server.demo.seed import City, load_city, seed
from server.endpoints.http import set_endpoint_cookie
from server.errors import NotFound
from server.i18n import language_of
from server.keys import CLOCK, POOL, SETTINGS
from server.pages import Page, add_pages, page
from server.people.core import first_page
from server.people.http import set_staff_cookie
from server.people.service import sign_in_as
from server.signaling.rooms import PLANE
from server.sites.store import load_tree


class Demo:
    """The city, once it is known; the application fills it at start."""

    city: City | None = None


DEMO: web.AppKey[Demo] = web.AppKey("demo", Demo)


class PersonToBe(msgspec.Struct):
    """Somebody one can be with one click."""

    role: str
    name: str
    user: str
    password: str
    sign_in_url: str


class KioskToUse(msgspec.Struct):
    """A kiosk that one can stand before."""

    site: str
    url: str


class FeedToSubscribe(msgspec.Struct):
    """A calendar."""

    name: str
    url: str


class MediaPorts(msgspec.Struct):
    """Where media goes, for scripts that block it."""

    udp_ports: list[int]


class DemoFacts(msgspec.Struct):
    """All a script needs to drive the product."""

    people: list[PersonToBe]
    kiosks: list[KioskToUse]
    pages: dict[str, str]
    feeds: list[FeedToSubscribe]
    media: MediaPorts


def city_of(request: web.Request) -> City:
    """The demo's city. Raises NotFound outside of the demo, and for anybody who is not on this machine."""
    city = request.app[DEMO].city
    if city is None or not _is_loopback(request):
        raise NotFound()
    return city


def _is_loopback(request: web.Request) -> bool:
    """Whether the peer of the connection is this machine. A proxy's peers are not: a demo stands behind none."""
    try:
        return ip_address(request.remote or "").is_loopback and "X-Forwarded-For" not in request.headers
    except ValueError:
        return False


async def demo_facts(call: Call[None]) -> DemoFacts:
    """The demo's facts; demo and loopback only."""
    city = city_of(call.request)
    base = call.app[SETTINGS].public_url.rstrip("/") or f"{call.request.scheme}://{call.request.host}"
    english = language_of(call.request) == "en"
    persons = [_person(person, city, base, english) for person in PEOPLE]
    names = {site.new.slug: site.new.name_en if english else site.new.name_zh for site in SITES}
    kiosks = [KioskToUse(names[slug], f"{base}/demo/kiosk/{endpoint}") for slug, endpoint in city.kiosks.items()]
    pages = {name: base + path for name, path in _PAGES.items()} | {
        f"site {slug}": f"{base}/sites/{slug}" for slug in names
    }
    return DemoFacts(persons, kiosks, pages, await _feeds(call, base), MediaPorts(call.app[PLANE].udp_ports()))


_PAGES = {
    "start": "/",
    "sign_in": "/sign-in",
    "desk": "/desk",
    "roster": "/roster",
    "sessions": "/sessions",
    "admin": "/admin",
    "sites": "/sites",
    "events": "/events",
    "events_board": "/events-board",
    "my_duty": "/my-duty",
    "screen": "/screen/rongchuan",
}


def _person(person: DemoPerson, city: City, base: str, english: bool) -> PersonToBe:
    name = person.name_en if english else person.name_zh
    return PersonToBe(person.role.value, name, person.user, city.password, f"{base}/demo/as/{person.user}")


async def _feeds(call: Call[None], base: str) -> list[FeedToSubscribe]:
    """The public calendars, by the slug that is their address."""
    async with call.connection() as conn:
        slugs = await list_public_slugs(conn)
    return [FeedToSubscribe(slug, f"{base}/feeds/{slug}.ics") for slug in slugs]


async def demo_json(call: Call[None]) -> web.StreamResponse:
    """As DemoFacts; never cached."""
    return to_json(await demo_facts(call))


async def be_somebody(call: Call[None]) -> web.StreamResponse:
    """Sign in by one click. A GET that changes state, allowed because it is the demo's: loopback only, invented people."""
    city = city_of(call.request)
    user = call.path("user")
    person = next((person for person in PEOPLE if person.user == user), None)
    if person is None:
        raise NotFound()
    async with call.connection() as conn:
        token = await sign_in_as(conn, city.people[user], call.now)
    response = web.Response(status=303, headers={"Location": first_page(frozenset({person.role}))})
    set_staff_cookie(call.request, response, token)
    return response


async def stand_before_kiosk(call: Call[None]) -> web.StreamResponse:
    """Give the browser a kiosk's device credential. Demo only, as be_somebody."""
    city = city_of(call.request)
    endpoint = call.path("kiosk")
    if endpoint not in city.tokens:
        raise NotFound()
    response = web.Response(status=303, headers={"Location": f"/kiosk/{endpoint}"})
    set_endpoint_cookie(call.request, response, endpoint, city.tokens[endpoint])
    return response


async def start_page(call: Call[None]) -> web.StreamResponse:
    """Who you can be (demo), or what this is and where to sign in."""
    language = language_of(call.request)
    async with call.connection() as conn:
        sites = await load_tree(conn)
    public = [{"name": site.name(language), "url": f"/sites/{site.slug}"} for site in sites if site.depth == 0]
    try:
        facts = await demo_facts(call)
    except NotFound:
        return page(call, "start.html", demo=False, pages=public)
    return page(call, "start.html", demo=True, people=facts.people, kiosks=facts.kiosks, pages=public)


async def _seed(app: web.Application) -> AsyncIterator[None]:
    """Seed at the first start of a demo; later starts remember. A database that people live in is never touched."""
    if app[SETTINGS].demo:
        async with connection(app[POOL]) as conn:
            app[DEMO].city = await load_city(conn) or await seed(conn, app[CLOCK](), app[SETTINGS].public_url)
    yield


OPERATIONS = [
    Operation(
        "GET", "/demo.json", demo_json, Action.SEE_PUBLIC, "The demo's facts", reply=DemoFacts, hidden=True, tag="demo"
    )
]
PAGES: list[Page] = [
    Page("/", start_page, Action.SEE_PUBLIC),
    Page("/demo/as/{user}", be_somebody, Action.SEE_PUBLIC),
    Page("/demo/kiosk/{kiosk}", stand_before_kiosk, Action.SEE_PUBLIC),
]


def add(app: web.Application) -> None:
    """Plug in."""
    app[DEMO] = Demo()
    app.cleanup_ctx.append(_seed)
    add_operations(app, OPERATIONS)
    add_pages(app, PAGES)
