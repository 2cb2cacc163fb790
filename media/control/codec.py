"""Messages of the control protocol to bytes and back.

A request is decoded in two steps: `read_envelope` finds the number and the verb, `read_request` the whole. So an error can
always be answered under the request's number.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from media.control.messages import REPLIES, AnyEvent, Count, ErrorCode, Message, Refusal, Reply, Request


class BadMessage(ValueError):
    """The other side's message cannot be taken; `code` and the text go back to it."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message


class Unparsable(ValueError):
    """A frame that is not JSON; the connection it came on must end."""


class Envelope(Struct, frozen=True):
    """What every request has, whatever else is wrong with it."""

    id: Count
    op: str


_requests: Final = {str(kind.__struct_config__.tag): msgspec.json.Decoder(kind) for kind in REPLIES}
_envelope: Final = msgspec.json.Decoder(Envelope)
_reply: Final = msgspec.json.Decoder(Reply)
_event: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)
_encode: Final = msgspec.json.Encoder().encode


def read_envelope(text: bytes) -> Envelope:
    """Number and verb of a request. Raises Unparsable for what is not JSON, BadMessage naming the field."""
    try:
        return _envelope.decode(text)
    except msgspec.ValidationError as error:
        raise BadMessage("bad_request", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unparsable(str(error)) from error


def read_request(op: str, text: bytes) -> Request:
    """A whole request of a known verb. Raises BadMessage naming the field."""
    decoder = _requests.get(op)
    if decoder is None:
        raise BadMessage("unknown_op", f"no such op: {op[:64]}")
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("bad_request", str(error)) from error


def read_reply(text: bytes) -> Reply:
    """A reply; its `ok` stays raw until `read_ok`. Raises msgspec.DecodeError."""
    return _reply.decode(text)


def read_ok(request: Request, reply: Reply) -> Message:
    """The `ok` of a reply as the type that belongs to the request. Raises msgspec.DecodeError."""
    assert isinstance(reply.ok, msgspec.Raw)
    return msgspec.json.decode(reply.ok, type=REPLIES[type(request)])


def read_event(text: bytes) -> AnyEvent:
    """An event. Raises msgspec.DecodeError."""
    return _event.decode(text)


def is_event(text: bytes) -> bool:
    """Whether a worker's frame is an event (else it is a reply)."""
    return text.startswith(b'{"event"')


def write(message: Struct) -> bytes:
    """Any message as UTF-8 JSON, without its frame."""
    return _encode(message)


def write_ok(number: int, ok: Message) -> bytes:
    return _encode(Reply(id=number, ok=msgspec.Raw(_encode(ok))))


def write_error(number: int | None, code: ErrorCode, message: str) -> bytes:
    return _encode(Reply(id=number, error=Refusal(code=code, message=message)))
