"""Several datagrams in one call: recvmmsg and sendmmsg as they stand in libc, without a compiler.

Source: Linux recvmmsg(2), sendmmsg(2), recvmsg(2). The layout is that of 64-bit Linux.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, Final

# (descriptor, address of the first message, how many, flags, *more) -> how many were done, -1 when not even one
Call = Callable[..., int]


class Vector(ctypes.Structure):
    """struct iovec: a piece of a datagram."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Message(ctypes.Structure):
    """struct mmsghdr. `length` is written by the kernel."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_size_t),  # 32 bits and padding
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_size_t),  # 32 bits and padding
        ("length", ctypes.c_size_t),  # 32 bits and padding
    )


MESSAGE_BYTES: Final = ctypes.sizeof(Message)
WORDS: Final = MESSAGE_BYTES // 8
# Where a message has what, in words of 64 bits.
NAME, NAME_SIZE, VECTOR_COUNT, CONTROL_SIZE = 0, 1, 3, 5


def libc_call(name: str) -> Call | None:
    """None where libc has no such call, or structures would lie otherwise.

    Without declared types a call costs 0.4 us less: addresses must come as c_void_p.
    """
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little" or sys.platform != "linux":
        return None
    try:
        call: Call = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
    return call


def words_of(messages: Any) -> memoryview:
    """An array of messages as 64-bit words: written so, a field costs a tenth of what it costs by its name."""
    return memoryview(messages).cast("B").cast("Q")
