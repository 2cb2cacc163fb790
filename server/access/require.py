"""The only way to obtain a guarded object: ask for it with the actor and the action, get it or a refusal.

What does not exist and what is not for the actor look the same (`not_found`), except that a signed-in person who may see
the object but not do this with it is told so (`not_allowed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.access.core import Action, Actor, Facts, may
from server.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session as far as access goes."""

    id: str
    procedure: str
    site_id: str
    in_charge: str
    state: str
    ticket_id: str | None
    opened_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SiteRef:
    """A site as far as access goes."""

    id: str
    slug: str
    kind: str
    name_zh: str
    name_en: str
    path: tuple[str, ...]


_SESSION = """
select id::text, procedure, site_id::text, in_charge::text, state, ticket_id::text, opened_at, ended_at,
       site_path(site_id)::text[] as path
from session where id = $1
"""
_SITE = "select id::text, slug, kind, name_zh, name_en, site_path(id)::text[] as path from site where id = $1"
_SITE_BY_SLUG = "select id::text, slug, kind, name_zh, name_en, site_path(id)::text[] as path from site where slug = $1"


def as_uuid(text: str) -> UUID:
    """An identifier from outside. Raises NotFound: a malformed one names nothing."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound() from error


async def require_session(conn: Connection, actor: Actor, action: Action, session_id: str) -> SessionRef:
    """The session, if the actor may do the action to it. Raises NotFound, NotAllowed."""
    row = await conn.fetchrow(_SESSION, as_uuid(session_id))
    if row is None:
        raise NotFound()
    facts = Facts(tuple(row["path"]), in_charge=row["in_charge"])
    if not may(actor, action, facts):
        raise NotAllowed() if may(actor, Action.SEE_SESSION, facts) else NotFound()
    values = {key: value for key, value in row.items() if key != "path"}
    return SessionRef(**values)


async def require_site(conn: Connection, actor: Actor, action: Action, site_id: str) -> SiteRef:
    """The site, if the actor may do the action there. Raises NotFound, NotAllowed (sites themselves are public)."""
    return _site(await conn.fetchrow(_SITE, as_uuid(site_id)), actor, action)


async def require_site_by_slug(conn: Connection, actor: Actor, action: Action, slug: str) -> SiteRef:
    """As require_site, by the name in the URL."""
    if not slug.isascii() or not slug.isprintable():
        raise NotFound()  # PostgreSQL refuses some characters with an error; no site has them in its name
    return _site(await conn.fetchrow(_SITE_BY_SLUG, slug), actor, action)


def _site(row: object, actor: Actor, action: Action) -> SiteRef:
    if row is None:
        raise NotFound()
    values = dict(row)  # type: ignore[call-overload]  # asyncpg.Record is a mapping, but not typed as one
    values["path"] = tuple(values["path"])
    if not may(actor, action, Facts(values["path"])):
        raise NotAllowed()
    return SiteRef(**values)


def require_own(actor: Actor, action: Action, owner: str | None) -> None:
    """Refuse anybody but the owner. Raises NotFound: others' things are not told about."""
    if not may(actor, action, Facts(owner=owner)):
        raise NotFound()
