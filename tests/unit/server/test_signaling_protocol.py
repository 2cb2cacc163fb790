"""PROTOCOL.md is kept true: every message has a heading, its examples parse and come back as they were."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from server.signaling import messages
from server.signaling.messages import BadMessage

PROTOCOL = Path(messages.__file__).with_name("PROTOCOL.md").read_text("utf-8")


def section(title: str) -> dict[str, str]:
    """Heading -> text of one part of the page."""
    _, _, rest = PROTOCOL.partition(f"\n## {title}\n")
    part = re.split(r"\n## ", rest)[0]
    _, *pieces = re.split(r"^### (\w+)$", part, flags=re.MULTILINE)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def examples(text: str) -> list[dict[str, Any]]:
    """The JSON values of the indented blocks."""
    blocks = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    decoder, values, at = json.JSONDecoder(), [], 0
    while (at := blocks.find("{", at)) >= 0:
        value, at = decoder.raw_decode(blocks, at)
        values.append(value)
    return values


def tags(union: Any) -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in get_args(union)}


CLIENT = [(name, example) for name, text in section("Client messages").items() for example in examples(text)]
SERVER = [(name, example) for name, text in section("Server messages").items() for example in examples(text)]


def test_every_message_has_a_heading_and_an_example() -> None:
    assert set(section("Client messages")) == {name for name, _ in CLIENT} == tags(messages.AnyClientMessage)
    assert set(section("Server messages")) == {name for name, _ in SERVER} == tags(messages.AnyServerMessage)


@pytest.mark.parametrize(("name", "example"), CLIENT)
def test_client_example_parses_to_what_it_says(name: str, example: dict[str, Any]) -> None:
    message = messages.parse(json.dumps(example))

    rendered = json.loads(msgspec.json.encode(message))
    assert {key: value for key, value in rendered.items() if value is not None} == example
    assert example["type"] == name


@pytest.mark.parametrize(("name", "example"), SERVER)
def test_server_example_is_rendered_as_it_stands(name: str, example: dict[str, Any]) -> None:
    assert json.loads(messages.render(messages.parse_server(json.dumps(example)))) == example
    assert example["type"] == name


def test_every_code_and_reason_is_explained() -> None:
    for kind, field in ((messages.Error, "code"), (messages.Closed, "why"), (messages.Rejoin, "why")):
        text = section("Server messages")[str(kind.__struct_config__.tag)]
        said = next(entry for entry in msgspec.structs.fields(kind) if entry.name == field)
        for word in get_args(said.type):
            assert f"`{word}`" in text, f"PROTOCOL.md does not explain {word}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", None),
        ("null", None),
        ('{"type": 7}', "type"),
        ('{"token": "x"}', "type"),
        ('{"type": "join"}', None),
        ('{"type": "join", "token": "a", "resume": "b"}', None),
        ('{"type": "join", "token": 7}', "token"),
        ('{"type": "admit"}', "seat"),
        ('{"type": "admit", "seat": ""}', "seat"),
        ('{"type": "admit", "seat": "' + "x" * 65 + '"}', "seat"),
        ('{"type": "ping", "t": 1, "rid": []}', "rid"),
        ('{"type": "ping", "t": NaN}', None),
        ('{"type": "ping", "t": 1e999}', "t"),
        ('{"type": "offer", "peer": 1, "revision": 0, "sdp": "v"}', "revision"),
        ('{"type": "offer", "peer": 1, "revision": 1, "sdp": "v", "sources": {"0": "nose"}}', "sources[...]"),
        ('{"type": "report", "concealed": 1.5}', "concealed"),
        ("[" * 100_000, None),
        ('{"type": "leave", "x": ' + '{"a":' * 50_000, None),
        ('{"type": "leave"}\ud800', None),
    ],
)
def test_malformed_message_names_the_field(text: str, field: str | None) -> None:
    with pytest.raises(BadMessage) as caught:
        messages.parse(text)

    assert caught.value.field == field


def test_unknown_fields_are_ignored() -> None:
    assert messages.parse('{"type": "leave", "new_in_version_2": [1]}') == messages.Leave()
