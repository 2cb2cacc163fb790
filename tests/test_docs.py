"""The contract pages are true: every message has a heading, and every example is read and written by our code as it stands there."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import msgspec
import pytest

from media.control import codec
from media.control import messages as control
from server.command_line import COMMANDS, VARIABLES, help_text
from server.signaling import messages as signaling
from tests.support.contracts import ROOT, Contract, Example, examples, headings, lost


def read_write_control(example: Example) -> dict[str, Any]:
    text = json.dumps(example.value).encode()
    if "event" in example.value:
        return as_written(codec.write(codec.read_event(text)))
    if "op" in example.value:
        return as_written(codec.write(codec.read_request(example.value["op"], text)))
    request = next(value for value in reversed(example.before) if "op" in value)
    kind = codec.read_request(request["op"], json.dumps(request).encode())
    answer = codec.read_ok(kind, codec.read_reply(text))
    return as_written(codec.write_ok(example.value["id"], answer))


def read_write_signaling(example: Example) -> dict[str, Any]:
    """A name may be of a message to and of one from the server (ping has pong, but `join` and `welcome` differ)."""
    text = json.dumps(example.value)
    is_from_client = example.value["type"] in tags(signaling.AnyClientMessage)
    message = signaling.parse(text) if is_from_client else signaling.parse_server(text)
    return as_written(msgspec.json.encode(message))


def as_written(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    assert isinstance(value, dict)
    return value


def tags(union: Any) -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in get_args(union))


CONTRACTS = [
    Contract(
        "media/CONTROL.md",
        frozenset(str(kind.__struct_config__.tag) for kind in control.REPLIES) | tags(control.AnyEvent),
        read_write_control,
    ),
    Contract(
        "server/signaling/PROTOCOL.md",
        tags(signaling.AnyClientMessage) | tags(signaling.AnyServerMessage),
        read_write_signaling,
    ),
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.page)
def test_every_message_has_a_heading_and_every_heading_a_message(contract: Contract) -> None:
    assert headings(contract.page) == contract.names
    assert {example.heading for example in examples(contract.page)} == contract.names


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.page)
def test_examples_are_read_and_written_as_they_stand(contract: Contract) -> None:
    problems = []
    for example in examples(contract.page):
        try:
            written = contract.read_write(example)
        except ValueError as error:
            problems.append(f"{example.where} ({example.heading}): {error}")
        else:
            problems += [f"{example.where} ({example.heading}): {problem}" for problem in lost(example.value, written)]

    assert problems == []


def test_an_example_that_says_more_than_the_code_is_found() -> None:
    assert lost({"a": 1, "b": [{"c": 2}]}, {"a": 1, "b": [{"c": 3}]}) == [".b[0].c: 2 became 3"]
    assert lost({"a": 1, "new": True}, {"a": 1}) == [".new: True became None"]
    assert lost({"a": None}, {}) == []


def test_help_names_every_command_and_every_variable() -> None:
    text = help_text()

    assert [name for name in (*COMMANDS, *VARIABLES) if name not in text] == []


def test_every_variable_that_is_read_is_explained() -> None:
    """A variable that only the code knows is one that no operator can find."""
    sources = [path for package in ("server", "media", "schedules") for path in (ROOT / package).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r'"(LAIZUO_[A-Z_]+)"', path.read_text(encoding="utf-8"))}

    assert sorted(read - VARIABLES.keys()) == []
