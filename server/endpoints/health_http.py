"""A device's report of itself, and what those see of it who look after it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import msgspec

from server.access.core import Action
from server.access.require import require_own
from server.api import Call, Operation
from server.endpoints import service, store
from server.errors import NotSignedIn
from server.i18n import language_of

Problem = Literal["camera", "microphone", "speaker", "screen", "printer", "card_reader", "network"]
Number = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class LineReport(msgspec.Struct, forbid_unknown_fields=True):
    """What the device knows of its line: round trip in ms, loss as a share of 1, throughput in kbit/s."""

    rtt_ms: Number | None = None
    loss: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    kbit_s: Number | None = None


class HealthReport(msgspec.Struct, forbid_unknown_fields=True):
    """Sent every 30 s."""

    version: Annotated[str, msgspec.Meta(max_length=40)]
    line: LineReport = msgspec.field(default_factory=LineReport)
    problems: Annotated[list[Problem], msgspec.Meta(max_length=7)] = []


class HealthAnswer(msgspec.Struct):
    """`reload`: load the page anew, as soon as nobody is served."""

    reload: bool


class HealthShown(msgspec.Struct):
    """A device. `state`: here, gone (no report for 90 s), silent (never reported), revoked."""

    id: str
    name: str
    kind: str
    site_slug: str
    site_name: str
    state: str
    version: str
    line: LineReport
    problems: list[str]
    reported_at: float | None
    last_seen_at: float | None
    reload_wanted: bool
    card_reader: str


class HealthList(msgspec.Struct):
    """All devices of one's sites."""

    endpoints: list[HealthShown]


class Asked(msgspec.Struct):
    """It will load its page anew."""

    endpoint: str


class CardReader(msgspec.Struct, forbid_unknown_fields=True):
    """Where the reader's program answers on the device itself, `http://127.0.0.1:8377`; empty: there is none."""

    address: Annotated[str, msgspec.Meta(pattern=r"^(http://(127\.0\.0\.1|localhost):[1-9][0-9]{1,4})?$")]


async def report(call: Call[HealthReport]) -> HealthAnswer:
    """The device is there."""
    if call.actor.kind != "endpoint":
        raise NotSignedIn("endpoint_not_enrolled")
    require_own(call.actor, Action.REPORT_HEALTH, call.actor.id)
    body = call.body
    line = {key: value for key, value in msgspec.structs.asdict(body.line).items() if value is not None}
    async with call.connection() as conn:
        said = store.Report(body.version, line, sorted(set(body.problems)))
        return HealthAnswer(await store.report(conn, str(call.actor.id), said, call.now))


async def health(call: Call[None]) -> HealthList:
    """How all devices of one's sites are."""
    sites = sorted({grant.site_id for grant in call.actor.grants if grant.role == "administrator"})
    async with call.connection() as conn:
        rows = await store.health_below(conn, sites)
    english = language_of(call.request) == "en"
    return HealthList([_shown(row, english, _state(row, call)) for row in rows])


async def health_of_rooms(call: Call[None]) -> HealthList:
    """How the devices of the village rooms are in which one works."""
    sites = sorted({grant.site_id for grant in call.actor.grants if grant.role == "site_worker"})
    async with call.connection() as conn:
        rows = await store.health_below(conn, sites) if sites else []
    english = language_of(call.request) == "en"
    return HealthList([_shown(row, english, _state(row, call)) for row in rows if not row.revoked])


async def begin_anew(call: Call[None]) -> Asked:
    """Let a device of one's own village room begin anew, as soon as nobody is served there."""
    async with call.connection() as conn:
        await service.want_reload(conn, call.actor, call.path("device"), call.now, Action.LOOK_AFTER_DEVICE)
    return Asked(call.path("device"))


def _state(row: store.Health, call: Call[None]) -> str:
    if row.revoked:
        return "revoked"
    if row.reported_at is None:
        return "silent"
    return "here" if row.reported_at > call.now - store.GONE_AFTER else "gone"


def _shown(row: store.Health, english: bool, state: str) -> HealthShown:
    name, site_name = (row.name_en, row.site_name_en) if english else (row.name_zh, row.site_name_zh)
    return HealthShown(
        row.id, name, row.kind, row.site_slug, site_name, state, row.version, LineReport(**json.loads(row.line)), row.problems,
        row.reported_at.timestamp() if row.reported_at else None, row.last_seen_at.timestamp() if row.last_seen_at else None,
        row.reload_wanted, row.card_reader,
    )  # fmt: skip


async def want_reload(call: Call[None]) -> Asked:
    """Load the page of a device anew."""
    async with call.connection() as conn:
        await service.want_reload(conn, call.actor, call.path("device"), call.now)
    return Asked(call.path("device"))


async def set_card_reader(call: Call[CardReader]) -> Asked:
    """Tell a kiosk where its card reader is."""
    async with call.connection() as conn:
        await service.set_card_reader(conn, call.actor, call.path("device"), call.body.address, call.now)
    return Asked(call.path("device"))


OPERATIONS = [
    Operation(
        "POST", "/api/endpoints/{endpoint}/health", report, Action.REPORT_HEALTH, "The device is there",
        body=HealthReport, reply=HealthAnswer,
    ),
    Operation("GET", "/api/admin/health", health, Action.MANAGE_ENDPOINTS, "How all devices are", reply=HealthList),
    Operation(
        "POST", "/api/admin/endpoints/{device}/reload", want_reload, Action.MANAGE_ENDPOINTS, "Load its page anew", reply=Asked
    ),
    Operation("GET", "/api/my-room/devices", health_of_rooms, Action.SEE_DESK, "How my room's devices are", reply=HealthList),
    Operation(
        "POST", "/api/my-room/devices/{device}/begin-anew", begin_anew, Action.LOOK_AFTER_DEVICE, "Let it begin anew", reply=Asked
    ),
    Operation(
        "PUT", "/api/admin/endpoints/{device}/card-reader", set_card_reader, Action.MANAGE_ENDPOINTS,
        "Where its card reader answers", body=CardReader, reply=Asked,
    ),
]  # fmt: skip
