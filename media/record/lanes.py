"""SM3 of several chunks at once (sm3_lanes.c), where a compiled library is to be had; else one after the other as chain.py does.

The choice is the process's, like OpenSSL's own: the digests are the same either way, which is tried out before the first is used.
Nothing of the packet path is needed here: journals are written and read where there is none.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from media.record.chain import sm3

ManyDigests = Callable[[Sequence[bytes]], list[bytes]]

DIGEST_BYTES: Final = 32
# One message alone takes the lanes longer than OpenSSL: so many times the longest must there be to do in its time.
WORTH_IT: Final = 2
# Around the borders of a block and of its padding, all lanes and the next round of them.
TRIED_LENGTHS: Final = (*range(0, 131, 5), 55, 56, 63, 64, 119, 128, 1000, 4096, 75_000)


class LanesUnusable(Exception):
    """There are no lanes here; the message says why."""


class Lanes:
    """sm3_lanes.c, loaded. `way` counts from the fastest; there are `ways` on this machine. A call gives up the GIL.

    Raises  LanesUnusable when the file does not load, or this machine has no such way.
    """

    def __init__(self, file: Path, way: int = 0) -> None:
        try:
            library = ctypes.CDLL(str(file))
            ways, self._call = library.sm3_ways, library.sm3_all
        except (OSError, AttributeError) as error:
            raise LanesUnusable(f"{file.name} does not load: {error}") from error
        ways.restype, ways.argtypes = ctypes.c_uint32, []
        self._call.restype = ctypes.c_int
        self._call.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]
        self.ways: int = ways()
        self._way = way
        if way >= self.ways:
            raise LanesUnusable("this processor has no vectors that would be worth it")

    def digests(self, messages: Sequence[bytes]) -> list[bytes]:
        """The SM3 of each message."""
        count = len(messages)
        addresses: Any = (ctypes.c_char_p * count)(*messages)
        sizes: Any = (ctypes.c_uint64 * count)(*map(len, messages))
        out = ctypes.create_string_buffer(DIGEST_BYTES * count)
        if self._call(self._way, addresses, sizes, count, out):
            raise RuntimeError("the way has gone")
        raw = out.raw
        return [raw[at : at + DIGEST_BYTES] for at in range(0, DIGEST_BYTES * count, DIGEST_BYTES)]

    def where_worth_it(self, messages: Sequence[bytes]) -> list[bytes]:
        """The same, by whoever is faster."""
        sizes = [len(message) for message in messages]
        if sum(sizes) < WORTH_IT * max(sizes, default=0):
            return one_by_one(messages)
        return self.digests(messages)


def one_by_one(messages: Sequence[bytes]) -> list[bytes]:
    return [sm3(message) for message in messages]


def check_lanes(lanes: Lanes) -> None:
    """Raises LanesUnusable when a digest is not OpenSSL's."""
    some = random.Random(32905)
    for count in (1, 3, 8, 9):
        for first in range(0, len(TRIED_LENGTHS), count):
            messages = [some.randbytes(length) for length in TRIED_LENGTHS[first : first + count]]
            if lanes.digests(messages) != one_by_one(messages):
                raise LanesUnusable(f"another SM3 of {[len(message) for message in messages]} bytes than OpenSSL's")


_CHOSEN: Final[list[ManyDigests]] = [one_by_one]


def sm3_of_all(messages: Sequence[bytes]) -> list[bytes]:
    """The SM3 of each message, computed by lanes once `use_lanes` was told of them."""
    return _CHOSEN[0](messages)


def use_lanes(file: Path) -> None:
    """From now on, if they compute what OpenSSL does. Raises LanesUnusable."""
    lanes = Lanes(file)
    check_lanes(lanes)
    _CHOSEN[0] = lanes.where_worth_it
