"""Enrolling and revoking devices."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from server import audit
from server.access.core import ANYONE, Action, Actor
from server.access.require import as_uuid, require_site
from server.access.tokens import new_token, token_hash
from server.endpoints import store
from server.errors import NotFound, UserError

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

CODE_LASTS = timedelta(days=7)  # the device is set up within a week of being registered
# No 0/O, 1/I/L: the code is read from a screen and typed by somebody standing before a kiosk. 12 of 30 letters = 58 bits, rate-limited.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 12


class CodeUnknown(UserError):
    """There is no such enrolment code, it was used, or it is too old."""

    status = 404

    def __init__(self) -> None:
        super().__init__("enrolment_code_unknown")


def new_code() -> str:
    """A one-time enrolment code in three groups of four."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, _CODE_LENGTH, 4))


def code_hash(code: str) -> bytes:
    """What is stored of a code; case, blanks and dashes do not matter when it is typed."""
    return token_hash("".join(letter for letter in code.upper() if letter.isalnum()))


async def add_endpoint(
    conn: Connection, by: Actor, site_id: str, kind: str, names: tuple[str, str], now: datetime
) -> tuple[str, str]:
    """(endpoint id, one-time enrolment code). The code is told once and kept only as a hash."""
    code = new_code()
    async with conn.transaction():
        endpoint_id = await store.insert(conn, site_id, kind, names, code_hash(code), now + CODE_LASTS)
        await audit.append(conn, by, "add_endpoint", "endpoint", endpoint_id, now, {"site": site_id})
    return endpoint_id, code


async def enrol(conn: Connection, code: str, now: datetime) -> tuple[str, str]:
    """(endpoint id, device credential) for a one-time code. Raises CodeUnknown."""
    token = new_token()
    async with conn.transaction():
        endpoint_id = await store.enrol(conn, code_hash(code), token_hash(token), now)
        if endpoint_id is None:
            raise CodeUnknown()
        await audit.append(conn, ANYONE, "enrol_endpoint", "endpoint", endpoint_id, now)
    return endpoint_id, token


async def renew_code(conn: Connection, by: Actor, endpoint_id: str, now: datetime) -> str:
    """Another one-time code for an endpoint of the administrator's sites."""
    await _require(conn, by, endpoint_id)
    code = new_code()
    async with conn.transaction():
        await store.renew_code(conn, endpoint_id, code_hash(code), now + CODE_LASTS)
        await audit.append(conn, by, "renew_enrolment_code", "endpoint", endpoint_id, now)
    return code


async def revoke(conn: Connection, by: Actor, endpoint_id: str, now: datetime) -> None:
    """Shut a device out, for instance when it was stolen."""
    await _require(conn, by, endpoint_id)
    async with conn.transaction():
        await store.revoke(conn, endpoint_id, now)
        await audit.append(conn, by, "revoke_endpoint", "endpoint", endpoint_id, now)
        await store.announce(conn, endpoint_id)


async def want_reload(
    conn: Connection, by: Actor, endpoint_id: str, now: datetime, action: Action = Action.MANAGE_ENDPOINTS
) -> None:
    """The page on the device is loaded anew: at its next report, as soon as nobody is served there."""
    await _require(conn, by, endpoint_id, action)
    async with conn.transaction():
        await store.want_reload(conn, endpoint_id, now)
        await audit.append(conn, by, "reload_endpoint", "endpoint", endpoint_id, now)
        await store.announce(conn, endpoint_id)


async def set_card_reader(conn: Connection, by: Actor, endpoint_id: str, address: str, now: datetime) -> None:
    """Where the program answers that reads identity cards; empty: there is none. Its page is loaded anew, which may then ask it."""
    await _require(conn, by, endpoint_id)
    async with conn.transaction():
        await store.set_card_reader(conn, endpoint_id, address)
        await store.want_reload(conn, endpoint_id, now)
        await audit.append(conn, by, "set_card_reader", "endpoint", endpoint_id, now)


async def _require(conn: Connection, by: Actor, endpoint_id: str, action: Action = Action.MANAGE_ENDPOINTS) -> None:
    site_id = await store.site_of(conn, as_uuid(endpoint_id))
    if site_id is None:
        raise NotFound()
    await require_site(conn, by, action, site_id)
