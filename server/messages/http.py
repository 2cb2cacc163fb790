"""One's own phone for urgent notices: a missed check-in, stepping in for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from server.access.core import Action
from server.access.require import require_own
from server.api import Call, Operation
from server.db.pool import in_transaction
from server.errors import BadInput
from server.messages import store

if TYPE_CHECKING:
    from server.db import Connection


class OwnPhone(msgspec.Struct, forbid_unknown_fields=True):
    """Digits with an optional plus; empty: forget it."""

    phone: Annotated[str, msgspec.Meta(max_length=24, pattern=r"^[+0-9 ()-]*$")]


async def set_own_phone(call: Call[OwnPhone]) -> None:
    """Say where urgent notices go."""
    require_own(call.actor, Action.OWN_FEED, call.actor.id)
    digits = "".join(sign for sign in call.body.phone if sign.isdigit() or sign == "+")
    if digits and not 6 <= len(digits.removeprefix("+")) <= 15:
        raise BadInput("bad_phone", field="phone")

    async def work(conn: Connection) -> None:
        await store.set_phone(conn, call.actor.id or "", digits, call.now)

    await in_transaction(call.pool, work)


OPERATIONS = [
    Operation("PUT", "/api/my-phone", set_own_phone, Action.OWN_FEED, "One's own phone for notices", body=OwnPhone)
]
