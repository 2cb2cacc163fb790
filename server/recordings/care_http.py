"""Care over HTTP: hold, release, what is due, destroy by two, the certificate."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
from aiohttp import web

from server.access.core import Action
from server.api import Call, Operation, add_operations
from server.recordings import care
from server.recordings.http import RECORDINGS

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class CareReason(msgspec.Struct, forbid_unknown_fields=True):
    """Why; kept with the recording."""

    reason: Reason


class CareDone(msgspec.Struct):
    """What the recording is now: held, kept, asked (one person wants it destroyed), destroyed."""

    state: str


class DueRecording(msgspec.Struct):
    """A recording that may be destroyed; `asked` when one person already wants it."""

    session: str
    procedure: str
    ended_at: float
    years: int
    source: str
    asked: bool


class DueList(msgspec.Struct):
    """The dry run."""

    recordings: list[DueRecording]


class DestructionCertificate(msgspec.Struct):
    """JSON as it was signed, and its detached CMS signature in base64."""

    certificate: str
    signature: str


async def hold_recording(call: Call[CareReason]) -> CareDone:
    """Nobody destroys this recording until it is released."""
    async with call.connection() as conn, conn.transaction():
        await care.hold(conn, call.actor, call.path("session"), call.body.reason, call.now)
    return CareDone("held")


async def release_recording(call: Call[None]) -> CareDone:
    """The hold ends."""
    async with call.connection() as conn, conn.transaction():
        await care.release(conn, call.actor, call.path("session"), call.now)
    return CareDone("kept")


async def recordings_due(call: Call[None]) -> DueList:
    """What could be destroyed now: nothing is done."""
    async with call.connection() as conn:
        rows = await care.due(conn, call.actor, call.now)
    return DueList([
        DueRecording(row.session, row.procedure, row.ended_at.timestamp() if row.ended_at else 0.0, row.rule.years, row.rule.source, row.asked_by is not None)
        for row in rows
    ])  # fmt: skip


async def destroy_recording(call: Call[CareReason]) -> CareDone:
    """Ask for it, or agree with another person who did."""
    authority = call.app[RECORDINGS].authority
    async with call.connection() as conn, conn.transaction():
        is_gone = await care.destroy(conn, call.actor, call.path("session"), call.body.reason, authority, call.now)
    return CareDone("destroyed" if is_gone else "asked")


async def destruction_certificate(call: Call[None]) -> DestructionCertificate:
    """What was destroyed, when, by whom and by which rule; signed."""
    async with call.connection() as conn:
        text, signature = await care.certificate(conn, call.actor, call.path("session"))
    return DestructionCertificate(text, base64.b64encode(signature).decode())


_RECORDING = "/api/sessions/{session}/recording"
OPERATIONS = [
    Operation("POST", f"{_RECORDING}/hold", hold_recording, Action.HOLD_RECORDING, "Keep a recording whatever the rule says", body=CareReason, reply=CareDone),
    Operation("POST", f"{_RECORDING}/release", release_recording, Action.HOLD_RECORDING, "End a hold", reply=CareDone),
    Operation("GET", "/api/recordings/due", recordings_due, Action.DESTROY_RECORDING, "Recordings that may be destroyed", reply=DueList),
    Operation("POST", f"{_RECORDING}/destroy", destroy_recording, Action.DESTROY_RECORDING, "Destroy a recording's key, by two people", body=CareReason, reply=CareDone),
    Operation("GET", f"{_RECORDING}/certificate", destruction_certificate, Action.DESTROY_RECORDING, "The certificate of a destroyed recording", reply=DestructionCertificate),
]  # fmt: skip


def add(app: web.Application) -> None:
    """Plug in, after the recordings."""
    add_operations(app, OPERATIONS)
