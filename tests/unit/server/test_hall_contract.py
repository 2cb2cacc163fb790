"""HALL.md is true: every operation of the hall stands in it as it is, every ticket example is read by the code, every number is the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from server.api import Operation
from server.bookings import core as bookings
from server.bookings import http as bookings_http
from server.endpoints import health_http
from server.hall_screen import http as hall_screen
from server.lines import http as lines
from server.ratings import core as ratings
from server.ratings import http as ratings_http
from server.tickets import beside_http, links_http, rounds
from server.tickets import http as tickets
from server.tickets import kiosk_http as tickets_kiosk
from server.waiting import core, desk_http, kiosk_http

PAGE = (Path(__file__).resolve().parents[3] / "server" / "waiting" / "HALL.md").read_text(encoding="utf-8")
PARTS = (
    kiosk_http, tickets_kiosk, links_http, desk_http, tickets, beside_http, lines, bookings_http, ratings_http, hall_screen, health_http,
)  # fmt: skip


def operations() -> list[Operation]:
    return [operation for part in PARTS for operation in part.OPERATIONS]


def row(operation: Operation) -> str:
    asked = operation.body or operation.query
    answer = operation.reply.__name__ if operation.reply else operation.media_type
    return f"| `{operation.method} {operation.path}` | {fields(asked)} | `{answer}` {operation.status} | {operation.summary} |"


def fields(kind: type | None) -> str:
    """`service, request_key, citizen_name?`: what may be left out has a question mark."""
    if kind is None:
        return ""
    return ", ".join(field.encode_name + ("" if field.required else "?") for field in msgspec.structs.fields(kind))


def test_every_operation_stands_in_the_table_as_it_is() -> None:
    written = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert written == [row(operation) for operation in operations()]


def test_the_example_of_a_ticket_is_read_and_written_as_it_stands() -> None:
    example = re.search(r'`(\{"ticket": .*?\})`', PAGE, re.DOTALL)
    assert example is not None
    value = json.loads(example[1])

    read = msgspec.json.decode(json.dumps(value), type=kiosk_http.TicketHeld)

    assert json.loads(msgspec.json.encode(read)) == value


def test_the_numbers_are_the_codes() -> None:
    said = {
        f"*skip*: {core.PLACES_A_SKIP_COSTS} others": core.PLACES_A_SKIP_COSTS,
        f"more than {core.STAYS_AFTER_MIDNIGHT.seconds // 3600} hours ago": 4,
        f"looks every {rounds.EVERY_S:.0f} s": rounds.EVERY_S,
        f"came {core.COUNTS_EARLIER.seconds // 60} minutes before the appointed time": core.COUNTS_EARLIER,
        f"block of {core.OFFLINE_BLOCK} numbers per line and day (from {core.OFFLINE_FROM} on)": core.OFFLINE_BLOCK,
        f"due after {ratings.WORKING_DAYS} working days": ratings.WORKING_DAYS,
        f"{bookings.MINUTES['notarization']} minutes for notarization": bookings.MINUTES,
        f"{bookings.MINUTES['mediation']} for mediation, {bookings.MINUTES['legal_advice']} for advice": bookings.MINUTES,
        f"Priority is {core.PRIORITIES['urgent']} for `urgent`": core.PRIORITIES,
    }
    flat = " ".join(PAGE.split())

    assert [text for text in said if text not in flat] == []


def test_every_state_is_named() -> None:
    assert [state for state in core.TicketState if state not in PAGE] == []
