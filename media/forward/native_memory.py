"""The structures that Python and fastpath.c share (fastpath.h), and the compiled library itself.

All memory is Python's. C holds addresses only in tables that the objects of native_objects.py fill, and such an object keeps alive
what its structure points to: so memory lives as long as somebody can reach it.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from ctypes import (
    c_bool,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_long,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from media.core.rtp import HEADER_ABS_SIZE
from media.forward.native_sealing import CiphersMemory, SecuredMemory, sealing_call
from media.forward.python_path import MAX_PLAIN
from media.net.srtp import MAX_PACKET, REPLAY_WINDOW

REASONS: Final = (
    "too_long",
    "empty",
    "unknown_kind",
    "unknown_source",
    "no_keys",
    "bad_auth",
    "flood",
    "rtp_malformed",
    "protect_failed",
    "send_full",
    "send_failed",
    "receive_failed",
    "tray_full",
)
DATAGRAM, RTCP, RTP, GAP, TAPPED = 1, 2, 3, 4, 5
EMPTY_TRAY, LOOK_AFTER, CHOOSE_PACE, READ_ON = 1, 2, 4, 8
RECORD: Final = struct.Struct("=IIIId32s")  # fastpath.h record
GAP_NUMBERS: Final = struct.Struct("=qq")


class LaneMemory(ctypes.Structure):
    """fastpath.h lane."""

    _fields_ = (
        ("rx", c_void_p),
        ("tx", c_void_p),
        ("ups", c_void_p),
        ("up_count", c_uint32),
        ("id", c_uint32),
        ("heard", c_double),
        ("budget", c_int32),
        ("address_size", c_uint32),
        ("address", c_uint8 * 32),
        ("first_out", c_int32),
        ("last_out", c_int32),
        ("arrivals", c_void_p),
        ("newest", c_int64),
        ("told_to", c_int64),
        ("arrival_count", c_uint32),
        ("rtcp_ssrc", c_uint32),
        ("told", c_uint8),
        ("count_ident", c_uint8),
        ("arrivals_missed", c_bool),
        ("no_gso", c_bool),
        ("by_python", c_bool),
    )


class ArrivalMemory(ctypes.Structure):
    """fastpath.h arrival."""

    _fields_ = (("at", c_double), ("number", c_int64))


class CachedMemory(ctypes.Structure):
    """fastpath.h cached."""

    _fields_ = (("ext", c_int64), ("at", c_uint64), ("stored", c_double), ("length", c_uint32), ("unused", c_uint32))


class RollMemory(ctypes.Structure):
    """fastpath.h roll."""

    _fields_ = (
        ("bytes", c_void_p),
        ("size", c_uint32),
        ("used", c_uint32),
        ("count", c_uint32),
        ("next", c_int32),
        ("highest", c_int64),
        ("received", c_int64),
    )


class UpMemory(ctypes.Structure):
    """fastpath.h up."""

    _fields_ = (
        ("downs", c_void_p),
        ("index", c_void_p),
        ("arena", c_void_p),
        ("down_count", c_uint32),
        ("id", c_uint32),
        ("ssrc", c_uint32),
        ("index_mask", c_uint32),
        ("arena_size", c_uint32),
        ("next", c_int32),
        ("last_seq", c_int32),
        ("paused", c_bool),
        ("key_wanted", c_bool),
        ("tapped", c_bool),
        ("pt", c_uint8),
        ("red_pt", c_uint8),
        ("level_ident", c_uint8),
        ("loudest", c_uint8),
        ("highest", c_int64),
        ("base", c_int64),
        ("top", c_int64),
        ("transit", c_int64),
        ("received", c_int64),
        ("jitter", c_double),
        ("clock_rate", c_double),
        ("last_at", c_double),
        ("octets", c_uint64),
        ("written", c_uint64),
        ("roll", c_void_p),
    )


class DownMemory(ctypes.Structure):
    """fastpath.h down."""

    _fields_ = (
        ("to", c_void_p),
        ("highest", c_int64),
        ("seq_delta", c_int64),
        ("last_now", c_double),
        ("ts_delta", c_uint32),
        ("last_ts", c_uint32),
        ("ssrc", c_uint32),
        ("abs_base", c_uint32),
        ("shift", c_uint32),
        ("packets", c_uint64),
        ("octets", c_uint64),
        ("video", c_bool),
        ("stalled", c_bool),
        ("red_pt", c_uint8),
        ("depth", c_uint8),
        ("pt", c_uint8 * 256),
    )


class PathMemory(ctypes.Structure):
    """fastpath.h fast."""

    _fields_ = (
        ("send", c_void_p),
        ("due", c_void_p),
        ("loop", c_void_p),
        ("work", c_void_p),
        ("gate", c_void_p),
        ("tray", c_void_p),
        ("gate_seed", c_uint64),
        ("gate_mask", c_uint32),
        ("tray_size", c_uint32),
        ("tray_used", c_uint32),
        ("fd", c_int32),
        ("timer", c_int32),
        ("loop_fd", c_int32),
        ("gso", c_bool),
        ("dropped_any", c_bool),
        ("stalled_any", c_bool),
        ("urgent", c_bool),
        ("called_away", c_bool),
        ("woken", c_uint32),
        ("read", c_uint32),
        ("window", c_double),
        ("looked_at", c_double),
        ("every", c_double),
        ("packets_in", c_uint64),
        ("packets_out", c_uint64),
        ("messages_out", c_uint64),
        ("dropped", c_uint64 * len(REASONS)),
    )


# What fast_layout must say, in its order; the last one, the size of the workspace, is the library's own affair.
IN_SLOTS: Final = 64
ARRIVALS: Final = 512
LAYOUT: Final = (
    ctypes.sizeof(PathMemory),
    ctypes.sizeof(LaneMemory),
    ctypes.sizeof(UpMemory),
    ctypes.sizeof(DownMemory),
    RECORD.size,
    ctypes.sizeof(CachedMemory),
    len(REASONS),
    MAX_PACKET,
    MAX_PLAIN,
    HEADER_ABS_SIZE,
    IN_SLOTS,
    ctypes.sizeof(ArrivalMemory),
    ARRIVALS,
    ctypes.sizeof(RollMemory),
    ctypes.sizeof(CiphersMemory),
    ctypes.sizeof(SecuredMemory),
    REPLAY_WINDOW,
)
# Room for one more batch is looked for before each: two batches, a packet and a gap for each datagram.
TRAY_BYTES: Final = 2 * IN_SLOTS * (2 * RECORD.size + MAX_PACKET + 24)


class NativeUnusable(Exception):
    """There is no C path here; the message says why."""


@dataclass(frozen=True, slots=True)
class Library:
    """fastpath.c's functions. A first argument is the address of a structure here. All but `timer` give up the GIL."""

    file: Path
    work_bytes: int
    # As those of media/net/srtp.py, with the handle of a Secured.
    seal: Callable[..., int]
    unseal: Callable[..., int]
    seal_rtcp: Callable[..., int]
    unseal_rtcp: Callable[..., int]
    open: Callable[[int], None]
    receive: Callable[[int], int]
    take: Callable[[int, bytes, int, bytes, int, float], int]
    gate: Callable[[int, Any, int], int]
    note: Callable[[int, int, float], None]
    arrivals: Callable[[int, Any, int], int]
    tell: Callable[[int, int, int], int]
    store: Callable[[int, int, bytes, int, float], None]
    load: Callable[[int, int, float, float, Any, int], int]
    move: Callable[[int, Any, int, float, float], None]
    stamp: Callable[[int], int]
    timer: Callable[[], int]
    set_timer: Callable[[int, int], int]


_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "open": (None, [c_void_p]),
    "receive": (c_int, [c_void_p]),
    "take": (c_int, [c_void_p, c_char_p, c_uint32, c_char_p, c_uint32, c_double]),
    "gate": (c_int, [c_void_p, c_void_p, c_uint32]),
    "note": (None, [c_void_p, c_uint16, c_double]),
    "arrivals": (c_uint32, [c_void_p, c_void_p, c_uint32]),
    "tell": (c_int, [c_void_p, c_uint32, c_uint32]),
    "store": (None, [c_void_p, c_int64, c_char_p, c_uint32, c_double]),
    "move": (None, [c_void_p, c_void_p, c_uint32, c_double, c_double]),
    "load": (c_uint32, [c_void_p, c_int64, c_double, c_double, c_void_p, c_uint32]),
    "stamp": (c_int, [c_int]),
    "timer": (c_int, []),
    "set_timer": (c_int, [c_int, c_long]),
}


_SEALING: Final = ("seal", "unseal", "seal_rtcp", "unseal_rtcp")


def load_library(file: Path) -> Library:
    """Load a compiled fastpath.c. Raises NativeUnusable when it does not load or thinks otherwise of the memory."""
    try:
        loaded = ctypes.CDLL(str(file))
        functions: dict[str, Any] = {name: getattr(loaded, f"fast_{name}") for name in _SIGNATURES}
        sealing: dict[str, Any] = {name: sealing_call(getattr(loaded, f"fast_{name}")) for name in _SEALING}
        layout = _layout(loaded)
    except (OSError, AttributeError) as error:
        raise NativeUnusable(f"{file.name} does not load: {error}") from error
    if layout[:-1] != LAYOUT:
        raise NativeUnusable(f"{file.name} has another layout: {layout[:-1]}, not {LAYOUT}")
    for name, (result, arguments) in _SIGNATURES.items():
        functions[name].restype, functions[name].argtypes = result, arguments
    return Library(file, layout[-1], **sealing, **functions)


def _layout(loaded: ctypes.CDLL) -> tuple[int, ...]:
    numbers = (c_uint32 * (len(LAYOUT) + 1))()
    if loaded.fast_layout(numbers, len(numbers)) != len(numbers):
        return (0,)
    return tuple(numbers)
