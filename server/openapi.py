"""The OpenAPI 3.1 document at /api/openapi.json, made from the same types that validate requests."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiohttp import web

from server.access.core import POLICY
from server.api import OPERATIONS, Operation

_REF = "#/components/schemas/{name}"


def add(app: web.Application) -> None:
    """Serve the document. Called last, when all operations are known."""
    body = msgspec.json.encode(document(app[OPERATIONS]))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app.router.add_get("/api/openapi.json", answer)


def document(operations: list[Operation]) -> dict[str, Any]:
    """The whole document as plain data."""
    shown = [operation for operation in operations if not operation.hidden]
    types = _types(shown)
    (_, components) = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laizuo", "version": "1"},
        "paths": paths,
        "components": {"schemas": components | {"Error": _ERROR}},
    }


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


def _types(operations: list[Operation]) -> list[Any]:
    return [
        kind
        for operation in operations
        for kind in (operation.body, operation.query, operation.reply)
        if kind is not None
    ]


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def _describe(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "tags": [operation.tag or operation.path.split("/")[2]],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
        "x-roles": sorted(POLICY[operation.action]),
        "responses": {str(operation.status): _reply(operation), "default": _problem()},
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(operation.body)}},
        }
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(kind: Any) -> list[dict[str, Any]]:
    if kind is None:
        return []
    fields = msgspec.structs.fields(kind)
    return [
        {"name": entry.encode_name, "in": "query", "required": entry.required, "schema": _schema(entry.type)}
        for entry in fields
    ]


def _reply(operation: Operation) -> dict[str, Any]:
    if operation.reply is None:
        return (
            {"description": "Done", "content": {operation.media_type: {}}}
            if operation.method == "GET"
            else {"description": "Done"}
        )
    return {"description": "Done", "content": {operation.media_type: {"schema": _schema(operation.reply)}}}


def _problem() -> dict[str, Any]:
    return {
        "description": "A refusal",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
