"""The data plane in C (dataplane.c), compiled when it is needed and kept nowhere.

libsrtp is not linked: the C code calls the functions inside pylibsrtp through their addresses. `pylibsrtp._binding` and `Session._srtp` are
private names; where they are gone, `load` says so and the benchmark goes on with the Python plane.
"""

from __future__ import annotations

import ctypes
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from pylibsrtp import Session

from server.bench.core import HISTOGRAM_SIZE
from server.bench.loadgen.peer import Address
from server.bench.loadgen.plane import Kept, Window
from server.bench.loadgen.streams import REPAIR_TYPE, Stream

SOURCE = Path(__file__).with_name("dataplane.c")
COUNTERS = 9
FLOWS_READ = 1 << 16
DATAGRAM = 2048


class NativeUnavailable(Exception):
    """The C plane cannot be had; the message says why."""


def load(folder: Path) -> NativePlane:
    """Compile into `folder` and load. Raises NativeUnavailable."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NativeUnavailable("no C compiler (Debian: apt install gcc libc6-dev)")
    library = folder / "dataplane.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-lm"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise NativeUnavailable(f"{compiler}: {built.stderr.strip()[-400:]}")
    return NativePlane(ctypes.CDLL(str(library)))


class NativePlane:
    """Plane on top of the C code. One per process: the C side keeps its tables in static memory."""

    name = "c"

    def __init__(self, library: ctypes.CDLL) -> None:
        self._c = _declare(library)
        self._sessions: list[Session] = []  # the C side holds their addresses
        self._mids: set[str] = set()
        self._c.plane_init(*_libsrtp_addresses())

    def add_peer(self, sock: socket.socket, address: Address, tx: Session, rx: Session) -> int:
        self._sessions += [tx, rx]
        host = int.from_bytes(socket.inet_aton(address[0]), "little")
        peer: int = self._c.plane_add_peer(
            sock.fileno(), host, socket.htons(address[1]), _session_address(tx), _session_address(rx), REPAIR_TYPE
        )
        if peer < 0:
            raise NativeUnavailable("more participants than dataplane.c has room for")
        return peer

    def add_stream(self, peer: int, stream: Stream) -> None:
        if len(stream.mid) != 1:
            raise ValueError(f"mid: dataplane.c writes one character, not {stream.mid!r}")
        self._c.plane_add_stream(
            peer,
            stream.ssrc,
            stream.payload_type,
            ord(stream.mid),
            stream.size,
            stream.burst,
            stream.interval_ns,
            stream.timestamp_step,
            stream.kind == "video",
        )

    def set_active(self, active: bool) -> None:
        self._c.plane_set_active(active)

    def run(self, milliseconds: int) -> list[Kept]:
        return [self._kept(index) for index in range(self._c.plane_run(milliseconds))]

    def reset(self) -> None:
        self._c.plane_reset()

    def window(self) -> Window:
        return Window(*self._c.plane_counters()[:COUNTERS])

    def histogram(self) -> list[int]:
        return list(self._c.plane_histogram()[:HISTOGRAM_SIZE])

    def arrivals(self) -> list[int]:
        return list(self._c.plane_arrivals()[:HISTOGRAM_SIZE])

    def flows(self) -> list[tuple[int, int]]:
        numbers = (ctypes.c_uint64 * (2 * FLOWS_READ))()
        count = self._c.plane_flows(numbers, FLOWS_READ)
        return [(numbers[2 * index], numbers[2 * index + 1]) for index in range(count)]

    def _kept(self, index: int) -> Kept:
        data = ctypes.create_string_buffer(DATAGRAM)
        host, port, peer = ctypes.c_uint32(), ctypes.c_uint16(), ctypes.c_int()
        length = self._c.plane_kept(index, data, ctypes.byref(host), ctypes.byref(port), ctypes.byref(peer))
        address = socket.inet_ntoa(host.value.to_bytes(4, "little")), socket.ntohs(port.value)
        return Kept(peer.value, data.raw[:length], address)


def _declare(library: ctypes.CDLL) -> Any:
    pointer, word, integer = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int
    library.plane_init.argtypes = [pointer] * 4
    library.plane_add_peer.argtypes = [integer, word, ctypes.c_uint16, pointer, pointer, integer]
    library.plane_add_stream.argtypes = [
        integer,
        word,
        integer,
        integer,
        integer,
        integer,
        ctypes.c_int64,
        word,
        integer,
    ]
    library.plane_counters.restype = ctypes.POINTER(ctypes.c_uint64)
    library.plane_histogram.restype = ctypes.POINTER(ctypes.c_uint64)
    library.plane_arrivals.restype = ctypes.POINTER(ctypes.c_uint64)
    return library


def _binding() -> Any:
    try:
        from pylibsrtp import _binding  # noqa: PLC0415  private: its absence must be an answer, not a crash at import
    except ImportError as error:
        raise NativeUnavailable("this pylibsrtp shows no _binding") from error
    return _binding


def _libsrtp_addresses() -> list[int]:
    binding = _binding()
    names = ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp")
    try:
        functions = [binding.ffi.addressof(binding.lib, name) for name in names]
    except AttributeError as error:
        raise NativeUnavailable(f"this pylibsrtp lacks a libsrtp function: {error}") from error
    return [int(binding.ffi.cast("uintptr_t", function)) for function in functions]


def _session_address(session: Session) -> int:
    handle: Any = getattr(session, "_srtp", None)
    if handle is None:
        raise NativeUnavailable("this pylibsrtp shows no Session._srtp")
    return int(_binding().ffi.cast("uintptr_t", handle[0]))
