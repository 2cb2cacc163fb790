"""News about storage for every administrator: by mail where an address is known; the storage page says it anyway."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from server.messages import store as outbox
from server.messages.core import Channel, Message
from server.storage import store

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection
    from server.i18n import Catalog

log = logging.getLogger("laizuo.storage")

NOT_AGAIN_FOR = timedelta(hours=1)


async def tell_administrators(
    conn: Connection, catalogs: dict[str, Catalog], kind: str, now: datetime, *, once: bool = False, **values: object
) -> None:
    """Write one message to each, inside the caller's transaction; the same kind at most once an hour unless it is told `once` anyway.

    kind    its words are `storage.mail_<kind>`
    """
    if not once and not await store.may_tell(conn, kind, now - NOT_AGAIN_FOR, now):
        return
    log.error("storage: %s %s", kind, " ".join(f"{name}={value}" for name, value in values.items()))
    subject = " · ".join(catalog.say("storage.mail_subject") for catalog in catalogs.values())
    body = "\n\n".join(catalog.say(f"storage.mail_{kind}", **values) for catalog in catalogs.values())
    people = await store.administrators(conn)
    mail = await outbox.mail_of(conn, people)
    for person in people:
        address = mail.get(person, "")
        channel = Channel.MAIL if address else Channel.LOG
        await outbox.put(conn, Message(channel, address, f"storage_{kind}", subject, body, person), now)
