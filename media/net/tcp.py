"""ICE over TCP for lines that block UDP (RFC 6544, passive): the same gate, lanes and checks, on a second port.

A browser opens the connection; each packet on it stands behind its length (RFC 4571). What comes is judged exactly as a datagram is
(udp.py), under an address of three parts, so that a lane is either here or there and a nomination moves it between them.

A stream never loses a packet, it delays: behind a line that takes less than we send, packets would pile up and the voice fall seconds
behind. So each connection holds little (`HELD_BYTES`, and what the kernel has), and beyond that a packet is refused as a full UDP
socket refuses it: voice loses one, a picture goes on with the next key frame.

A connection without a valid check within `PROVE_S`, or with a broken frame, is closed; one host has at most `PER_HOST` of them. Where there is no room for one
more, the oldest that has proved nothing goes: whoever only holds connections open keeps nobody out, who proves himself within a round trip. A browser whose
UDP works keeps one as a second way and checks it now and then: it stays for `KEPT_S` after each valid check.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from media.core.rtp import Buffer
from media.forward.path import Lane
from media.net.addresses import bind, host_key, takes_both
from media.net.framing import BadFrame, Unframer, framed
from media.net.ice_lite import Address, StreamAddress
from media.net.srtp import MAX_PACKET

log = logging.getLogger(__name__)

HELD_BYTES: Final = 16 << 10  # 0.25 s at 512 kbit/s
KERNEL_BYTES: Final = 32 << 10  # of the kernel's own queue, per connection
PROVE_S: Final = 10.0
KEPT_S: Final = 60.0  # Chromium looks after its second way every 25 s
MAX_CONNECTIONS: Final = 512
PER_HOST: Final = 64  # a service station may have all its endpoints behind one address
RTP_HEADER: Final = 12

# Takes one SRTP or SRTCP packet of a lane, which came at that time (monotonic seconds).
SealedHandler = Callable[[Lane, bytes, float], None]


class Gate(Protocol):
    """The UDP port, whose table of addresses and whose judgement are shared."""

    @property
    def lanes(self) -> Mapping[Address, Lane]: ...

    def judge(self, datagram: bytes, source: Address, now: float) -> str | None: ...

    def note_fault(self, size: int) -> None: ...


class TcpPort:
    """The listening socket and its connections, by address. `send` is what reaches them."""

    def __init__(self, gate: Gate, on_sealed: SealedHandler, dropped: Counter[str]) -> None:
        self._gate = gate
        self._on_sealed = on_sealed
        self._dropped = dropped
        self._streams: dict[Address, _Stream] = {}
        self._hosts: Counter[str | bytes] = Counter()
        self._server: asyncio.Server | None = None
        self.address: tuple[str, int] = ("", 0)

    async def start(self, host: str, port: int, *, past_loopback: bool = False) -> None:
        """Listen; port 0 takes any free one. `past_loopback` as of the UDP port. Raises OSError when the address cannot be bound."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Stream(self), sock=_open(host, port, past_loopback))
        self.address = self._server.sockets[0].getsockname()[:2]

    def close(self) -> None:
        """End all connections at once, and listen no more. Idempotent."""
        if self._server is not None:
            self._server.close()
        for stream in list(self._streams.values()):
            stream.abort()

    def send(self, packet: Buffer, address: Address) -> int:
        """One packet to a connection. Raises BlockingIOError when it holds enough, OSError when it is gone."""
        stream = self._streams.get(address)
        if stream is None:
            raise OSError("the connection has ended")
        return stream.send(packet)

    def watch(self, now: float) -> None:
        """On a timer: close what is nobody's."""
        for address, stream in list(self._streams.items()):
            if now <= stream.until or address in self._gate.lanes:
                continue
            if stream.proven:
                stream.abort()
            else:
                self.refuse(stream)

    # --- of the connections -----------------------------------------------------------------------------------------

    def admit(self, stream: _Stream) -> bool:
        """Whether one more is taken."""
        host = host_key(stream.address[0])
        if self._hosts[host] >= PER_HOST and not self._make_room(host):
            return False
        if len(self._streams) >= MAX_CONNECTIONS and not self._make_room(None):
            return False
        self._streams[stream.address] = stream
        self._hosts[host] += 1
        return True

    def _make_room(self, host: str | bytes | None) -> bool:
        """Show out the oldest (of a host) that has proved nothing; whether there was one."""
        for stream in self._streams.values():
            if not stream.proven and (host is None or host_key(stream.address[0]) == host):
                self.forget(stream)
                self.refuse(stream)
                return True
        return False

    def forget(self, stream: _Stream) -> None:
        if self._streams.get(stream.address) is stream:
            del self._streams[stream.address]
            host = host_key(stream.address[0])
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]

    def refuse(self, stream: _Stream) -> None:
        self._dropped["stream_refused"] += 1
        stream.abort()

    def take(self, packet: bytes, source: Address, now: float) -> None:
        """One packet; in the order of the tests as a datagram (udp.py)."""
        if not (128 <= packet[0] <= 191):
            reason = self._gate.judge(packet, source, now)
            if reason is None and packet[0] <= 3:
                self._streams[source].prove(now)
        elif len(packet) < RTP_HEADER:
            reason = "unknown_kind"
        else:
            lane = self._gate.lanes.get(source)
            reason = "unknown_source" if lane is None else None
            if lane is not None:
                self._on_sealed(lane, packet, now)
        if reason is not None:
            self._dropped[reason] += 1

    def note_fault(self, size: int) -> None:
        self._gate.note_fault(size)


class _Stream(asyncio.Protocol):
    """One connection. `proven`: a valid check came over it; `until` then it is kept, whoever it belongs to."""

    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._unframer = Unframer(MAX_PACKET)
        self._transport: Any = None  # asyncio.Transport, but uvloop's is none
        self.address: StreamAddress = ("", 0, "tcp")
        self.proven = False
        self.until = time.monotonic() + PROVE_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        source = transport.get_extra_info("peername") or ("", 0)
        self.address = (source[0], source[1], "tcp")
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        if not self._port.admit(self):
            self._port.refuse(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._port.forget(self)

    def data_received(self, data: bytes) -> None:
        try:
            packets = self._unframer.receive(bytes(data))
        except BadFrame:
            self._port.refuse(self)
            return
        now = time.monotonic()
        for packet in packets:
            try:
                self._port.take(packet, self.address, now)
            except Exception:
                self._port.note_fault(len(packet))

    def prove(self, now: float) -> None:
        self.proven, self.until = True, now + KEPT_S

    def send(self, packet: Buffer) -> int:
        if self._transport.is_closing():
            raise OSError("the connection is ending")
        if self._transport.get_write_buffer_size() > HELD_BYTES:
            raise BlockingIOError("the line takes no more")
        self._transport.write(framed(packet))
        return len(packet)

    def abort(self) -> None:
        self._transport.abort()


def _open(host: str, port: int, past_loopback: bool) -> socket.socket:
    """asyncio would close a socket of IPv6 to IPv4."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        takes_both(opened)
        bind(opened, address, past_loopback=past_loopback)
    except OSError:
        opened.close()
        raise
    return opened
