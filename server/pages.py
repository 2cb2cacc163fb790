"""Pages made of Jinja templates, static files and word catalogs, with the security headers every answer carries.

    async def desk(call: Call[None]) -> web.StreamResponse:
        return page(call, "desk/desk.html", areas=areas)

    PAGES = [Page("/desk", desk, Action.SEE_DESK)]

In a template: `t('desk.call_next')` says a sentence, `asset('js/scenes/desk.js')` gives a URL that changes with the files, `modules('js/scenes/desk.js')`
those of a script and all it imports, `lang`, `csrf`, `actor`, `now`, `path_with_language('en')`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from aiohttp import web

from server.access.core import ANYONE, Action
from server.access.identify import actor_of, csrf_token
from server.api import Call, Handler, check_action
from server.i18n import Catalog, catalog_of, language_of, load_catalogs
from server.keys import CLOCK, SETTINGS, TEMPLATES
from server.static_files import BUILD_CHARS, YEAR_S, StaticFiles, answer_with, load_static_files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def web_root() -> Path:
    """The folder of templates, scripts and words: inside the installed package, else the checkout's web/."""
    inside = Path(__file__).parent / "_web"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "web"


@dataclass(slots=True)
class Templates:
    """Everything that is read from web/ at start and kept."""

    root: Path
    catalogs: dict[str, Catalog]
    environment: jinja2.Environment
    static: StaticFiles


def load_templates(root: Path) -> Templates:
    """Set up Jinja: autoescape everywhere, an unknown name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Templates(root, load_catalogs(root / "locales"), environment, load_static_files(root / "static"))


@dataclass(frozen=True, slots=True)
class Page:
    """One page: GET only, HTML."""

    path: str
    handler: Handler
    action: Action


def add_pages(app: web.Application, pages: list[Page]) -> None:
    """Register pages."""
    for entry in pages:
        app.router.add_get(entry.path, _page_route(entry))


def _page_route(entry: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        actor = await actor_of(request)
        check_action(actor, entry.action)
        result: web.StreamResponse = await entry.handler(Call(request, actor, None, None, request.app[CLOCK]()))
        return result

    return answer


def page(call: Call[Any], template: str, /, status: int = 200, **values: object) -> web.Response:
    """Render a template into a page that is never cached by anybody."""
    return render(call.request, template, status, actor=call.actor, now=call.now, **values)


def render(request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
    """Render for a request; also used for error pages, where no Call exists."""
    templates: Templates = request.app[TEMPLATES]
    language = language_of(request)
    catalog = templates.catalogs[language]
    context: dict[str, object] = {
        "t": catalog.say,
        "lang": language,
        "catalog_url": f"/locales/{language}.json?v={catalog.digest}",
        "asset": templates.static.url,
        "modules": templates.static.modules,
        "csrf": csrf_token(request),
        "settings": request.app[SETTINGS],
        "path_with_language": partial(_path_with_language, request),
        "actor": ANYONE,
    }
    text = templates.environment.get_template(template).render(context | values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _path_with_language(request: web.Request, language: str) -> str:
    return str(request.rel_url.update_query({"lang": language}))


async def static_file(request: web.Request) -> web.StreamResponse:
    """A file below web/static, kept for ever by who asked for this build's."""
    static = request.app[TEMPLATES].static
    path = static.file(request.match_info["name"])
    return answer_with(path, for_ever=request.match_info.get("build") == static.build)


async def locale_file(request: web.Request) -> web.StreamResponse:
    """The words of one language for scripts."""
    templates: Templates = request.app[TEMPLATES]
    catalog = catalog_of(templates.catalogs, request.match_info["language"])
    response = web.Response(body=catalog.json, content_type="application/json", charset="utf-8")
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if "v" in request.query else "no-cache"
    return response


async def kiosk_worker(request: web.Request) -> web.StreamResponse:
    """The kiosk's service worker; its address below /kiosk/ is what it may look after, and nothing above it."""
    templates: Templates = request.app[TEMPLATES]
    return answer_with(templates.static.file("js/kiosk_worker.js"), for_ever=False)


def add_web_files(app: web.Application) -> None:
    """Static files and words."""
    app.router.add_get("/kiosk/worker.js", kiosk_worker)
    app.router.add_get(f"/static/{{build:[0-9a-f]{{{BUILD_CHARS}}}}}/{{name:.+}}", static_file)
    app.router.add_get("/static/{name:.+}", static_file)
    app.router.add_get("/locales/{language}.json", locale_file)
