"""What web processes say to each other about one line (BUS.md). `number` counts up in each direction; a missing one ends the line."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from server.sessions.seats import Ending

PLACE: Final = "rooms"


class Word(Struct, frozen=True, kw_only=True, tag_field="word"):
    """`line` is the front's name and number of the socket; `number` counts this direction from 1."""

    line: str
    number: int


class Arrive(Word, frozen=True, kw_only=True, tag="arrive"):
    """To the leader: somebody whose token the database has accepted."""

    front: str
    session: str
    seat: str
    connection: int
    resume: str
    resumed: bool
    media: bool


class Told(Word, frozen=True, kw_only=True, tag="told"):
    """To the leader: a message of the page, as it stands."""

    text: str


class Gone(Word, frozen=True, kw_only=True, tag="gone"):
    """To the leader: the socket is gone."""


class Say(Word, frozen=True, kw_only=True, tag="say"):
    """To the front: a message for the page. The first one says that the line is in its session."""

    text: str


class Hang(Word, frozen=True, kw_only=True, tag="hang"):
    """To the front: everything has been said; close the socket."""


class No(Word, frozen=True, kw_only=True, tag="no"):
    """To the front: not let in. `why` null: this process does not lead the session (any more); the page comes back."""

    why: Ending | None = None


class Still(Word, frozen=True, kw_only=True, tag="still"):
    """To the leader, every second: is it still there? Not counted, answered by nobody but the broker."""


AnyWord = Arrive | Told | Gone | Say | Hang | No | Still

_decoder: Final[msgspec.json.Decoder[AnyWord]] = msgspec.json.Decoder(AnyWord)


def read(body: bytes) -> AnyWord:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(body)


def write(word: Word) -> bytes:
    return msgspec.json.encode(word)
