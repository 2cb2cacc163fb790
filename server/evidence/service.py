"""Evidence for the other parts: what a pack's maker needs, and stamps that come late."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from media.record.packs.proofs import BadProof, read_stamp
from server.evidence import store
from server.evidence.identity import Credential, Identity, open_identity
from server.evidence.signing import Authority

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from server.config import Settings
    from server.db import Connection
    from server.i18n import Catalog


def authority_of(settings: Settings, clock: Callable[[], datetime]) -> Authority:
    """Who signs and stamps here; the trial authority is made at the first call. Raises OSError."""
    own = open_identity(settings.data / "keys/evidence", clock())
    evidence = settings.evidence
    if evidence.signer_key and evidence.signer_certificate:
        own = Identity(Credential(evidence.signer_key, evidence.signer_certificate), own.clock)
    return Authority(evidence.timestamp_url, own, clock)


def anchor_folders(settings: Settings) -> tuple[Path, ...]:
    """Where stamps are kept besides the database."""
    copy = settings.evidence.anchors_copy
    return (settings.data / "anchors", *((copy,) if copy else ()))


async def sealing_spec(
    conn: Connection, authority: Authority, catalogs: dict[str, Catalog], session: str, people: dict[str, dict[str, str]], now: datetime
) -> dict[str, Any]:  # fmt: skip
    """What `python -m server.evidence` needs beside journals and films."""
    row = await store.session_about(conn, session)
    identity = authority.identity
    return {
        "identity": {
            name: {"key": str(credential.key), "chain": str(credential.chain)}
            for name, credential in (("signer", identity.signer), ("clock", identity.clock))
        },
        "timestamp_url": authority.url,
        "about": _about(row, catalogs, people, now),
        "anchors": [entry(one) for one in await store.anchors(conn, session)],
    }


def _about(
    row: store.AboutRow, catalogs: dict[str, Catalog], people: dict[str, dict[str, str]], now: datetime
) -> dict[str, Any]:
    def words(key: str) -> dict[str, str]:
        return {language: catalog.words.get(key, "-") for language, catalog in catalogs.items()}

    return {
        "number": row.number or "-",
        "procedure": words(f"names.service_{row.procedure}"),
        "site": {"zh-CN": row.name_zh, "en": row.name_en},
        "end_reason": words(f"names.reason_{row.end_reason}"),
        "opened_at": row.opened_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "made_at": now.isoformat(),
        "people": {
            seat: {"name": one["name"], "role": words(f"names.role_{one['role']}")} for seat, one in people.items()
        },
    }


def entry(one: store.Stamped) -> dict[str, Any]:
    """An anchor as packs hold it."""
    token = base64.b64encode(one.token).decode()
    return {"session": one.session, "room": one.room, "block": one.block, "head": one.imprint, "token": token}


async def late_spec(conn: Connection, session: str) -> dict[str, Any]:
    """Stamps that are not in the session's pack yet, as its maker takes them."""
    rows = await store.late(conn, session)
    of_pack = [one for one in rows if one.kind == "pack"]
    return {
        "manifest": base64.b64encode(of_pack[-1].token).decode() if of_pack else None,
        "late": [entry(one) for one in rows if one.kind == "head"],
    }


async def stamped_access(conn: Connection, session: str) -> dict[int, str]:
    """The newest stamped head of an access journal, by its entry, as its time stamp says; what is no time stamp fits nothing."""
    found = await store.last_access(conn, session)
    if found is None:
        return {}
    try:
        return {found[0]: read_stamp(found[1]).imprint.hex()}
    except BadProof:
        return {found[0]: ""}
