"""From a request's cookie to an Actor, and the checks that a changing request is meant by who sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from server.access.core import ANYONE, Actor, Grant, Role
from server.access.tokens import csrf_of, looks_like_token, same, token_hash
from server.db.pool import connection
from server.errors import NotAllowed
from server.keys import CLOCK, POOL, SETTINGS

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

STAFF_COOKIE = "laizuo_staff"
ENDPOINT_COOKIE = "laizuo_endpoint_"  # + the endpoint's id: two kiosks may stand in one browser (demo)
CSRF_HEADER = "X-CSRF-Token"

_ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
_TOKEN: web.RequestKey[str] = web.RequestKey("token", str)

_PERSON = """
select p.id::text as id,
       coalesce(array_agg(g.role || '@' || g.site_id) filter (where g.role is not null), '{}') as grants
from sign_in s join person p on p.id = s.person_id left join role_grant g on g.person_id = p.id
where s.token_hash = $1 and s.revoked_at is null and s.expires_at > $2 and p.disabled_at is null
group by p.id
"""
_ENDPOINT = "select id::text as id, site_id::text as site_id from endpoint where token_hash = $1 and revoked_at is null"


def endpoint_cookie(endpoint_id: str) -> str:
    """Name of the cookie that holds the device credential of one endpoint."""
    return ENDPOINT_COOKIE + endpoint_id.replace("-", "")


async def actor_of(request: web.Request) -> Actor:
    """Who asks. Paths under an endpoint (`{endpoint}` in the route) speak for the device, all others for the signed-in person."""
    known: Actor | None = request.get(_ACTOR)
    if known is not None:
        return known
    endpoint_id = request.match_info.get("endpoint")
    token = request.cookies.get(endpoint_cookie(endpoint_id) if endpoint_id else STAFF_COOKIE, "")
    actor = ANYONE
    if looks_like_token(token):
        async with connection(request.app[POOL]) as conn:
            now = request.app[CLOCK]()
            actor = await (
                endpoint_by_token(conn, token, endpoint_id) if endpoint_id else person_by_token(conn, token, now)
            )
    request[_ACTOR] = actor
    request[_TOKEN] = token if actor.kind != "anyone" else ""
    return actor


async def person_by_token(conn: Connection, token: str, now: datetime) -> Actor:
    """The signed-in person of a cookie, or ANYONE."""
    row = await conn.fetchrow(_PERSON, token_hash(token), now)
    if row is None:
        return ANYONE
    grants = (text.partition("@") for text in row["grants"])
    return Actor("person", row["id"], frozenset(Grant(Role(role), site) for role, _, site in grants))


async def endpoint_by_token(conn: Connection, token: str, endpoint_id: str) -> Actor:
    """The enrolled device of a cookie, if it is the one the path names, or ANYONE."""
    row = await conn.fetchrow(_ENDPOINT, token_hash(token))
    if row is None or row["id"] != endpoint_id:
        return ANYONE
    return Actor("endpoint", row["id"], site_id=row["site_id"])


def csrf_token(request: web.Request) -> str:
    """What this page's forms and scripts must send back; empty for somebody we do not know."""
    token: str = request.get(_TOKEN, "")
    return csrf_of(token) if token else ""


def check_origin(request: web.Request) -> None:
    """Refuse a changing request or a WebSocket that another site's page sends.

    Browsers send Origin with every POST and every WebSocket; its absence means a script without a browser, which holds no
    cookie of a victim, so absence is refused only where a cookie would speak for somebody (check_csrf).
    Raises NotAllowed('other_origin').
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return
    allowed = {request.host}
    if request.app[SETTINGS].public_url:
        allowed.add(urlsplit(request.app[SETTINGS].public_url).netloc)
    if urlsplit(origin).scheme not in ("http", "https") or urlsplit(origin).netloc not in allowed:
        raise NotAllowed("other_origin")


def check_csrf(request: web.Request, actor: Actor) -> None:
    """Origin for all, and for a cookie holder also the token that only our own page could read."""
    check_origin(request)
    if actor.kind == "anyone":
        return
    if not same(request.headers.get(CSRF_HEADER, ""), csrf_token(request)):
        raise NotAllowed("csrf")
