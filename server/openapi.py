"""The OpenAPI 3.1 document at /api/openapi.json, made from the same types that validate requests."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from server.access.core import POLICY
from server.api import OPERATIONS, Operation

_REF = "#/components/schemas/{name}"


def add(app: web.Application) -> None:
    """Serve the document. It is made when somebody first asks, which few do: it would cost each start a tenth of a second."""

    @cache
    def body() -> bytes:
        return msgspec.json.encode(document(app[OPERATIONS]))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body(), content_type="application/json")

    app.router.add_get("/api/openapi.json", answer)


def document(operations: list[Operation]) -> dict[str, Any]:
    """The whole document as plain data."""
    shown = [operation for operation in operations if not operation.hidden]
    schemas = _Schemas([kind for operation in shown for kind in _types(operation)])
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laizuo", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas.components | {"Error": _ERROR}},
    }


class _Schemas:
    """The schemas of all types, made in one go: two modules may have a type of the same name, which only then get names of their own."""

    def __init__(self, kinds: list[Any]) -> None:
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=_REF)
        # By repr, which names a class with its module: a field's annotation is another object each time it is asked for.
        self._by_name = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}

    def of(self, kind: Any) -> dict[str, Any]:
        return self._by_name[repr(kind)]


_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code"],
            "properties": {"code": {"type": "string"}, "field": {"type": "string"}, "detail": {"type": "string"}},
        }
    },
}


def _types(operation: Operation) -> list[Any]:
    parameters = [entry.type for entry in msgspec.structs.fields(operation.query)] if operation.query else []
    return [kind for kind in (operation.body, operation.reply, *parameters) if kind is not None]


def _describe(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        # Unique by the module that answers: two parts may well have a handler of the same name.
        "operationId": f"{'_'.join(operation.handler.__module__.split('.')[1:])}_{operation.handler.__name__}",
        "summary": operation.summary,
        "tags": [operation.tag or operation.path.split("/")[2]],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query, schemas)],
        "x-roles": sorted(POLICY[operation.action]),
        "responses": {str(operation.status): _reply(operation, schemas), "default": _problem()},
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.of(operation.body)}},
        }
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(kind: Any, schemas: _Schemas) -> list[dict[str, Any]]:
    if kind is None:
        return []
    fields = msgspec.structs.fields(kind)
    return [
        {"name": entry.encode_name, "in": "query", "required": entry.required, "schema": schemas.of(entry.type)}
        for entry in fields
    ]


def _reply(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    if operation.reply is None:
        return (
            {"description": "Done", "content": {operation.media_type: {}}}
            if operation.method == "GET"
            else {"description": "Done"}
        )
    return {"description": "Done", "content": {operation.media_type: {"schema": schemas.of(operation.reply)}}}


def _problem() -> dict[str, Any]:
    return {
        "description": "A refusal",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
