"""Typed HTTP operations: one description registers the route, validates the request, checks the policy's row and makes the OpenAPI document.

    async def take_ticket(call: Call[TakeTicket]) -> Ticket: ...

    OPERATIONS = [
        Operation("POST", "/api/kiosk/{endpoint}/tickets", take_ticket, Action.TAKE_TICKET, body=TakeTicket, reply=Ticket, summary="Take a ticket"),
    ]

`Action` here is the coarse check (is there any object on which this actor could do it); the handler obtains its object through
`server.access.require`, which asks the fine question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from aiohttp import web

from server.access.core import Action, Actor, may_at_all
from server.access.identify import actor_of, check_csrf
from server.db.pool import connection
from server.errors import BadInput, NotAllowed, NotSignedIn
from server.keys import CLOCK, POOL

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import asyncpg

    from server.db import Connection

BODY_LIMIT = 64 * 1024

BodyT = TypeVar("BodyT")


@dataclass(slots=True)
class Call(Generic[BodyT]):
    """One request, ready to be answered: who asks, when, and what they sent."""

    request: web.Request
    actor: Actor
    body: BodyT
    query: Any
    now: datetime

    @property
    def app(self) -> web.Application:
        """The application with its keys (server/keys.py)."""
        return self.request.app

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """The database pool."""
        return self.request.app[POOL]

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A database connection; waits a little for a restarting PostgreSQL. Raises DatabaseAway."""
        return connection(self.pool)

    def path(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Call[Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API. `reply` None with a handler that returns a StreamResponse: the handler answers by itself."""

    method: str
    path: str
    handler: Handler
    action: Action
    summary: str
    body: type[Any] | None = None
    query: type[Any] | None = None
    reply: type[Any] | None = None
    status: int = 200
    tag: str = ""
    media_type: str = "application/json"
    hidden: bool = field(default=False)  # demo only: not in the OpenAPI document


OPERATIONS: web.AppKey[list[Operation]] = web.AppKey("operations", list)


def add_operations(app: web.Application, operations: list[Operation]) -> None:
    """Register operations; they also appear at /api/openapi.json."""
    app[OPERATIONS].extend(operations)
    for operation in operations:
        app.router.add_route(operation.method, operation.path, _route(operation), name=None)


def check_action(actor: Actor, action: Action) -> None:
    """Refuse an actor that could do this to no object at all.

    Raises NotSignedIn for somebody we do not know, NotAllowed for somebody we do.
    """
    if may_at_all(actor, action):
        return
    raise NotSignedIn() if actor.kind == "anyone" else NotAllowed()


def _route(operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        actor = await actor_of(request)
        check_action(actor, operation.action)
        if operation.method not in ("GET", "HEAD"):
            check_csrf(request, actor)
        body = await read_body(request, operation.body) if operation.body else None
        query = read_query(request, operation.query) if operation.query else None
        result = await operation.handler(Call(request, actor, body, query, request.app[CLOCK]()))
        if isinstance(result, web.StreamResponse):
            return result
        return to_json(result, operation.status)

    return answer


def to_json(value: object, status: int = 200) -> web.Response:
    """A value of a reply type as a JSON response; never cached."""
    response = web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", charset="utf-8"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def read_body(request: web.Request, kind: type[BodyT]) -> BodyT:
    """The request's JSON as a value of `kind`. Raises BadInput that names the field."""
    if request.content_type != "application/json":
        raise BadInput("json_expected", detail="Content-Type must be application/json")
    raw = await request.content.read(BODY_LIMIT + 1)
    while raw and len(raw) <= BODY_LIMIT and not request.content.at_eof():
        raw += await request.content.read(BODY_LIMIT + 1)
    if len(raw) > BODY_LIMIT:
        raise BadInput("too_large", detail=f"at most {BODY_LIMIT} bytes")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_input(error) from error


def read_query(request: web.Request, kind: type[BodyT]) -> BodyT:
    """The query string as a value of `kind`; each parameter at most once."""
    items = dict(request.query)
    if len(items) != len(request.query):
        raise BadInput("bad_query", detail="a parameter was given twice")
    try:
        return msgspec.convert(items, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise bad_input(error) from error


def bad_input(error: Exception) -> BadInput:
    """msgspec says `Expected `str`, got `int` - at `$.name``: split the place from the reason."""
    reason, _, place = str(error).partition(" - at `$.")
    return BadInput("bad_input", field=place.rstrip("`") or None, detail=reason)
