"""What can go wrong between a person and the server, and the one place that puts it on the wire.

UserError                 the caller can act on it; `code` names the sentence in the catalogs (`errors.<code>`)
|- BadInput        400    the request is malformed; `field` says where
|- NotSignedIn     401    nobody we know
|- NotAllowed      403    known, but the policy table says no
|- NotFound        404    not there, or not for you (the two are not told apart)
|- Conflict        409    the world changed, or a rule of the act forbids it
|- TooMany         429    slow down; `retry_after_s`

|- ServiceAway     503    something we need is restarting; scripts come again by themselves
`- Unexpected      500    our fault: logged with its trace under a reference that a person can read out on the phone
"""

from __future__ import annotations

import json
import logging
import secrets
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("laizuo.errors")


class UserError(Exception):
    """A mistake or a refusal that the caller is told in a sentence."""

    status: ClassVar[int] = 400

    def __init__(
        self, code: str, *, field: str | None = None, detail: str = "", retry_after_s: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.detail = detail
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, object]:
        """The JSON a client gets: {"error": {code, field, detail}}."""
        error = {"code": self.code, "field": self.field, "detail": self.detail or None}
        return {"error": {key: value for key, value in error.items() if value is not None}}


class BadInput(UserError):
    """The request is malformed."""


class NotSignedIn(UserError):
    """Nobody we know."""

    status = 401

    def __init__(self, code: str = "not_signed_in") -> None:
        super().__init__(code)


class NotAllowed(UserError):
    """Known, but not for this."""

    status = 403

    def __init__(self, code: str = "not_allowed") -> None:
        super().__init__(code)


class NotFound(UserError):
    """Not there, or not for you."""

    status = 404

    def __init__(self, code: str = "not_found") -> None:
        super().__init__(code)


class Conflict(UserError):
    """The world changed meanwhile, or a rule of the act forbids it."""

    status = 409


class TooMany(UserError):
    """Slow down."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too_many", retry_after_s=retry_after_s)


class ServiceAway(UserError):
    """Something we need (database, media worker) is restarting; the caller tries again by itself."""

    status = 503

    def __init__(self, code: str = "service_away") -> None:
        super().__init__(code, retry_after_s=1)


def to_response(error: UserError) -> web.Response:
    """The JSON answer for a UserError."""
    response = web.json_response(
        error.body(), status=error.status, dumps=lambda value: json.dumps(value, ensure_ascii=False)
    )
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


class Unexpected(UserError):
    """A defect of ours; `detail` is the reference under which the log holds the trace."""

    status = 500

    def __init__(self, reference: str) -> None:
        super().__init__("unexpected", detail=reference)


_OF_HTTP = {400: "bad_input", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def from_http(error: web.HTTPException) -> UserError:
    """aiohttp's own refusals (no such route, wrong method, body too large) in our words."""
    known = UserError(_OF_HTTP.get(error.status, "bad_input"))
    known.status = error.status  # type: ignore[misc]  # one instance of the general class, not the class
    return known


def log_unexpected(error: Exception) -> str:
    """Log an error of ours with its trace; returns the reference for the caller."""
    reference = secrets.token_hex(4)
    log.error("unexpected error, reference %s", reference, exc_info=error)
    return reference
