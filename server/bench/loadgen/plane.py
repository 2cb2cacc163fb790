"""What a data plane is, and the one without a C compiler.

`native.py` holds the fast one. This one does the same in Python with pylibsrtp: good for a handful of participants and for tests; at the
load of a comparison it costs more CPU than the server it measures, so the benchmark says which plane ran.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Protocol

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from server.bench.core import HISTOGRAM_SIZE, bucket_of, extended
from server.bench.loadgen.peer import Address, DatagramKind, kind_of
from server.bench.loadgen.streams import REPAIR_TYPE, SECOND_NS, Stream

MAGIC = b"laizuo-b"
LATE_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted since the last reset, over all participants."""

    sent: int = 0
    received: int = 0
    reports: int = 0
    rejected: int = 0
    unsent: int = 0
    late: int = 0
    key_requests: int = 0
    nacks: int = 0
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A datagram that is not SRTP, for the peer's ICE or DTLS."""

    peer: int
    data: bytes
    address: Address


class Plane(Protocol):
    """Sends and counts the packets of all participants of this process."""

    name: str

    def add_peer(self, sock: socket.socket, address: Address, tx: Session, rx: Session) -> int: ...

    def add_stream(self, peer: int, stream: Stream) -> None: ...

    def set_active(self, active: bool) -> None: ...

    def run(self, milliseconds: int) -> list[Kept]:
        """Work that long, or until datagrams for Python came; returns those."""

    def reset(self) -> None:
        """Start a window."""

    def window(self) -> Window: ...

    def histogram(self) -> list[int]:
        """How long packets were under way until they were read (core.py)."""

    def arrivals(self) -> list[int]:
        """The same until the kernel had them at the receiver's socket; all 0 where it was not asked."""

    def flows(self) -> list[tuple[int, int]]:
        """(expected, received) per receiver and SSRC of which the window expected something."""


@dataclass(slots=True)
class _Flow:
    base: int
    highest: int
    received: int = 0


@dataclass(slots=True)
class _PeerState:
    sock: socket.socket
    address: Address
    tx: Session
    rx: Session
    transport_sequence: int = 0
    flows: dict[int, _Flow] = field(default_factory=dict)


@dataclass(slots=True)
class _StreamState:
    peer: int
    spec: Stream
    sequence: int
    timestamp: int
    next_ns: int = 0
    key_frame: bool = True
    picture: int = 0


class PythonPlane:
    """The data plane in plain Python. It keeps no reports and answers key-frame requests by always sending key frames."""

    name = "python"

    def __init__(self) -> None:
        self._peers: list[_PeerState] = []
        self._streams: list[_StreamState] = []
        self._selector = selectors.DefaultSelector()
        self._active = False
        self._counts = dict.fromkeys(("sent", "received", "reports", "rejected", "unsent", "late", "repairs"), 0)
        self._histogram = [0] * HISTOGRAM_SIZE
        self._kept: list[Kept] = []

    def add_peer(self, sock: socket.socket, address: Address, tx: Session, rx: Session) -> int:
        self._peers.append(_PeerState(sock, address, tx, rx))
        self._selector.register(sock, selectors.EVENT_READ, len(self._peers) - 1)
        return len(self._peers) - 1

    def add_stream(self, peer: int, stream: Stream) -> None:
        self._streams.append(_StreamState(peer, stream, stream.ssrc & 0x3FFF, stream.ssrc & 0xFFFFFFF))

    def set_active(self, active: bool) -> None:
        self._active = active
        start = time.monotonic_ns() + 5_000_000
        for index, stream in enumerate(self._streams):
            stream.next_ns = start + stream.spec.interval_ns * index // max(1, len(self._streams))

    def run(self, milliseconds: int) -> list[Kept]:
        end = time.monotonic_ns() + milliseconds * 1_000_000
        self._kept = []
        while True:
            wait_ns = self._send_due(end) - time.monotonic_ns()
            for key, _ in self._selector.select(max(0, wait_ns) / SECOND_NS):
                self._receive(key.data)
            if self._kept or time.monotonic_ns() >= end:
                return self._kept

    def reset(self) -> None:
        self._counts = dict.fromkeys(self._counts, 0)
        self._histogram = [0] * HISTOGRAM_SIZE
        for peer in self._peers:
            for flow in peer.flows.values():
                flow.base, flow.received = flow.highest, 0

    def window(self) -> Window:
        return Window(**self._counts)

    def histogram(self) -> list[int]:
        return list(self._histogram)

    def arrivals(self) -> list[int]:
        return [0] * HISTOGRAM_SIZE

    def flows(self) -> list[tuple[int, int]]:
        flows = [flow for peer in self._peers for flow in peer.flows.values()]
        return [(flow.highest - flow.base, flow.received) for flow in flows if flow.highest > flow.base]

    def _send_due(self, until_ns: int) -> int:
        if not self._active:
            return until_ns
        now = time.monotonic_ns()
        for stream in self._streams:
            if stream.next_ns <= now:
                self._send_frame(stream)
                stream.next_ns += stream.spec.interval_ns
                if stream.next_ns < now - LATE_NS:
                    self._counts["late"] += 1
                    stream.next_ns = now
            until_ns = min(until_ns, stream.next_ns)
        return until_ns

    def _send_frame(self, stream: _StreamState) -> None:
        peer = self._peers[stream.peer]
        for index in range(stream.spec.burst):
            packet = peer.tx.protect(_packet(stream, peer, index))
            try:
                peer.sock.sendto(packet, peer.address)
                self._counts["sent"] += 1
            except (BlockingIOError, ConnectionRefusedError):
                self._counts["unsent"] += 1
        stream.timestamp = (stream.timestamp + stream.spec.timestamp_step) & 0xFFFFFFFF
        stream.picture = (stream.picture + 1) & 0x7FFF

    def _receive(self, index: int) -> None:
        peer = self._peers[index]
        while True:
            try:
                data, address = peer.sock.recvfrom(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            kind = kind_of(data)
            if kind is DatagramKind.RTP:
                self._receive_rtp(peer, data, time.monotonic_ns())
            elif kind is DatagramKind.RTCP:
                self._counts["reports"] += 1
            else:
                self._kept.append(Kept(index, data, address))

    def _receive_rtp(self, peer: _PeerState, data: bytes, at_ns: int) -> None:
        try:
            packet = peer.rx.unprotect(data)
        except SrtpError:
            self._counts["rejected"] += 1
            return
        if packet[1] & 0x7F == REPAIR_TYPE:
            self._counts["repairs"] += 1
        elif packet[-16:-8] == MAGIC:
            self._counts["received"] += 1
            self._histogram[bucket_of((at_ns - int.from_bytes(packet[-8:], "little")) / 1000)] += 1
            _count(peer.flows, *struct.unpack_from("!H4xI", packet, 2))


def _count(flows: dict[int, _Flow], sequence: int, ssrc: int) -> None:
    flow = flows.setdefault(ssrc, _Flow(sequence - 1, sequence))
    flow.highest = max(flow.highest, extended(sequence, flow.highest))
    flow.received += 1


def _packet(stream: _StreamState, peer: _PeerState, index: int) -> bytes:
    """One RTP packet with Chromium's header extensions (2 abs-send-time, 3 transport-wide sequence, 4 mid) and our trailer."""
    spec, video = stream.spec, stream.spec.kind == "video"
    marker = 0x80 if video and index == spec.burst - 1 else 0
    header = struct.pack("!BBHII", 0x90, spec.payload_type | marker, stream.sequence, stream.timestamp, spec.ssrc)
    now = time.monotonic_ns()
    abs_send_time = (now << 18) // SECOND_NS & 0xFFFFFF
    extensions = bytes([0x22]) + abs_send_time.to_bytes(3, "big") + struct.pack("!BH", 0x31, peer.transport_sequence)
    extensions += bytes([0x40]) + spec.mid.encode()
    extensions += bytes(-len(extensions) % 4)
    head = header + struct.pack("!HH", 0xBEDE, len(extensions) // 4) + extensions
    head += _vp8(stream, index) if video else b""
    stream.sequence = (stream.sequence + 1) & 0xFFFF
    peer.transport_sequence = (peer.transport_sequence + 1) & 0xFFFF
    return head.ljust(spec.size - 16, b"\0") + MAGIC + now.to_bytes(8, "little")


def _vp8(stream: _StreamState, index: int) -> bytes:
    """Payload descriptor with a picture id (RFC 7741 section 4.2) and the start of a key frame of 640 x 360 (RFC 6386 section 9.1)."""
    descriptor = struct.pack("!BBH", 0x90 if index == 0 else 0x80, 0x80, 0x8000 | stream.picture)
    return descriptor + (bytes.fromhex("1000009d012a80026801") if index == 0 else b"")
