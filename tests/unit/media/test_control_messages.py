"""The control protocol's types and frames."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from media.control import codec, messages
from media.control.frames import MAX_FRAME, FrameReader, FrameTooLarge, frame


def test_frames_survive_any_cutting() -> None:
    bodies = [b"{}", b"", b"x" * 70_000, b'{"id": 1}']
    stream = b"".join(frame(body) for body in bodies)
    cuts = random.Random(7)
    for _ in range(50):
        reader, got, at = FrameReader(), list[bytes](), 0
        while at < len(stream):
            step = cuts.choice([1, 2, 3, 5, 1000, 40_000])
            got += reader.receive(stream[at : at + step])
            at += step

        assert got == bodies


def test_announced_length_above_the_limit_is_refused_before_it_comes() -> None:
    with pytest.raises(FrameTooLarge, match="1048577"):
        FrameReader().receive((MAX_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(FrameTooLarge):
        frame(b"x" * (MAX_FRAME + 1))


def refusal(request: object) -> codec.BadMessage:
    text = json.dumps(request).encode()
    with pytest.raises(codec.BadMessage) as caught:
        codec.read_request(codec.read_envelope(text).op, text)
    return caught.value


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({"op": "ping"}, "bad_request", "`id`"),
        ({"id": 1}, "bad_request", "`op`"),
        ({"id": -1, "op": "ping"}, "bad_request", "$.id"),
        ({"id": 1, "op": "dance"}, "unknown_op", "dance"),
        ({"id": 1, "op": "seal", "room": "r1"}, "bad_request", "`epoch`"),
        ({"id": 1, "op": "seal", "room": "../etc", "epoch": 1}, "bad_request", "$.room"),
        ({"id": 1, "op": "seal", "room": "", "epoch": 1}, "bad_request", "$.room"),
        ({"id": 1, "op": "seal", "room": "x" * 65, "epoch": 1}, "bad_request", "$.room"),
        ({"id": 1, "op": "drain", "on": 1}, "bad_request", "$.on"),
        (
            {
                "id": 1,
                "op": "open_room",
                "room": "r",
                "session": "s",
                "epoch": 1,
                "capacity": 2,
                "record": {"journal": "j", "key": "AAAA"},
            },
            "bad_request",
            "$.record.key",
        ),
    ],
)
def test_refusals_name_the_field(request_: object, code: str, words: str) -> None:
    error = refusal(request_)

    assert error.code == code
    assert words in error.message


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": 1, "op": "ping"} x'])
def test_what_is_no_json_is_unparsable(text: bytes) -> None:
    with pytest.raises((codec.Unparsable, codec.BadMessage)):
        codec.read_envelope(text)


def test_a_session_key_never_shows_in_a_repr() -> None:
    record = messages.Record(journal="/j", key=b"K" * 32)
    opened = messages.OpenRoom(id=1, room="r", session="s", epoch=1, capacity=2, record=record)

    assert "KKKK" not in repr(opened)
    assert "S0tL" not in repr(opened)


def test_unknown_fields_are_ignored_for_newer_controllers() -> None:
    assert codec.read_request("ping", b'{"id": 1, "op": "ping", "later": true}') == messages.Ping(id=1)


def test_messages_are_light_to_import() -> None:
    """The web process speaks the protocol without the media libraries."""
    script = "import sys, media.control.messages, media.control.codec, media.control.frames; print([m for m in ('av', 'aiortc', 'aioice', 'pylibsrtp') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
