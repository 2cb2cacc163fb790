"""The line's part of the device check: a real connection to a media worker for a few seconds, before anybody waits for somebody."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from server.access.address import client_address
from server.access.core import Action
from server.access.rates import Rate
from server.api import Call, Operation, add_operations
from server.errors import BadInput, ServiceAway, TooMany
from server.mediaplane.link import Link, WorkerAway, WorkerRefused
from server.mediaplane.trial import TooManyTrials, Trials
from server.signaling.messages import MESSAGE_LIMIT
from server.signaling.rooms import PLANE

TRIALS: web.AppKey[Trials] = web.AppKey("line_trials", Trials)
TRIAL_RATE: web.AppKey[Rate] = web.AppKey("line_trial_rate", Rate)
AGAIN_S = 5


class LineOffer(msgspec.Struct, forbid_unknown_fields=True):
    """A browser's offer that only sends; `sources` as in the room protocol."""

    sdp: Annotated[str, msgspec.Meta(min_length=1, max_length=MESSAGE_LIMIT)]
    sources: Annotated[
        dict[Annotated[str, msgspec.Meta(max_length=16)], Literal["voice", "face"]], msgspec.Meta(max_length=2)
    ]


class LineAnswer(msgspec.Struct):
    """The worker's answer; the trial ends by itself after 15 s."""

    sdp: str


async def try_line(call: Call[LineOffer]) -> LineAnswer:
    """Connect to a media worker and hear nobody."""
    app = call.request.app
    wait_s = app[TRIAL_RATE].take(client_address(call.request), time.monotonic())
    if wait_s:
        raise TooMany(wait_s)
    try:
        return LineAnswer(await app[TRIALS].begin(call.body.sdp, call.body.sources))
    except TooManyTrials:
        raise TooMany(AGAIN_S) from None
    except WorkerRefused as refused:
        raise BadInput("bad_input", field="sdp") from refused
    except WorkerAway as away:
        raise ServiceAway("service_away") from away


OPERATIONS = [
    Operation(
        "POST", "/api/line-check", try_line, Action.TRY_LINE, "Try the line to a media worker", body=LineOffer, reply=LineAnswer
    )
]  # fmt: skip


def add_line_check(app: web.Application) -> None:
    """Plug in, behind the rooms."""
    app[TRIAL_RATE] = Rate(burst=5, every_s=20.0)

    def least_busy() -> Link | None:
        return app[PLANE].least_busy()  # the rooms start after everything is plugged in

    app[TRIALS] = Trials(least_busy)
    add_operations(app, OPERATIONS)
