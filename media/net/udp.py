"""The one UDP port of a worker: reads every datagram, looks up whose it is, and lets nothing else through.

The datagram gate (reliability threat 3), in the order of the tests:

1. longer than 1500 bytes: dropped; pylibsrtp raises above that, and no honest peer sends it.
2. SRTP, SRTCP (first byte 128..191, RFC 7983): only from the one address that a peer's authenticated checks chose.
3. STUN (0..3): to ice_lite.py, which rates, parses and authenticates; what is not valid is not answered.
4. DTLS (20..63): only from such an address too, into that peer's bounded queue.
5. anything else: dropped.

Every drop has a reason and a counter.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from media.core.rtp import Buffer
from media.forward.path import Lane
from media.net.addresses import bind, takes_both
from media.net.ice_lite import Address
from media.net.intake import Intake, Place, reads_many
from media.net.limits import RateLimit
from media.net.srtp import MAX_PACKET, SrtpBuffer
from media.net.waking import Waking

log = logging.getLogger(__name__)

# After so many datagrams the loop gets a turn: timers and the control socket must not starve under a flood.
BATCH: Final = 128
# About 25 ms of a full gigabit; the kernel caps it at net.core.rmem_max without an error.
SOCKET_BUFFER: Final = 4 << 20
RTP_HEADER: Final = 12


# Takes a packet: whose it is, where it lies until the handler is done, and when it came (monotonic seconds).
PacketHandler = Callable[[Lane, SrtpBuffer, float], None]


class MediaSocket(socket.socket):
    """The UDP socket, which also knows the way to who is reached over TCP: whoever sends need not ask how."""

    __slots__ = ("send_stream",)
    send_stream: Callable[[Buffer, Address], int] | None

    def sendto(self, packet: Buffer, address: Any) -> int:  # type: ignore[override]  # never with flags
        """As socket.sendto; an address of three parts is a connection's (tcp.py)."""
        if len(address) != 3:
            return _sendto(self, packet, address)
        if self.send_stream is None:
            raise OSError("there are no connections")
        return self.send_stream(packet, address)


_sendto: Final = socket.socket.sendto


class UdpPort:
    """Socket, what it reads into, and the table of the peers' addresses. The packet handlers may work in place."""

    def __init__(
        self,
        host: str,
        port: int,
        on_stun: Callable[[bytes, Address, float], str | None],
        dropped: Counter[str],
        *,
        past_loopback: bool = False,
    ) -> None:
        """port  0 takes any free one.
        past_loopback  a loopback `host` is told by other addresses too (addresses.py).
        on_stun  judges a STUN datagram and returns a drop reason, or None if it was valid.
        dropped  counts drops by reason; shared with the packet path.
        Raises   OSError when the address cannot be bound.
        """
        self.dropped = dropped
        self.lanes: dict[Address, Lane] = {}
        self._on_stun = on_stun
        self._fault_log = RateLimit(rate_per_s=1, burst=1, max_keys=1)
        self.socket = _open(host, port, past_loopback)
        self._intake = Intake(self.socket, many=reads_many(self.socket.family))
        self._waking: Waking | None = None  # while somebody reads
        self.address: tuple[str, int] = self.socket.getsockname()[:2]

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_rtp: PacketHandler,
        on_rtcp: PacketHandler,
        on_end: Callable[[], None],
    ) -> None:
        """Read from now on; called once. `on_end` is called behind the last packet of each batch."""
        self._on_rtp, self._on_rtcp, self._on_end = on_rtp, on_rtcp, on_end
        self._waking = Waking(loop, self.socket.fileno(), self._read)

    def close(self) -> None:
        if self._waking is not None:
            self._waking.close()
        self.socket.close()

    def send(self, datagram: bytes, address: Address) -> bool:
        """One datagram on the slow path (STUN, DTLS). Never raises; False when the kernel did not take it."""
        try:
            self.socket.sendto(datagram, address)
        except OSError:
            self.dropped["send_failed"] += 1
            return False
        return True

    def _read(self) -> int:
        taken = self._take_batch()
        self._on_end()
        return taken

    def _take_batch(self) -> int:
        """Take what is there; how many it were. Whatever a datagram does to us, the next one is read."""
        intake, taken = self._intake, 0
        places, at_once = intake.places, intake.at_once
        while taken < BATCH:
            try:
                count = intake.take()
            except OSError:
                self.dropped["receive_failed"] += 1
                break
            self._take(places if count == at_once else places[:count])
            taken += count
            if count < at_once:
                break
        return taken

    def _take(self, places: Sequence[Place]) -> None:
        known, lanes, clock, on_rtp = self._intake.known, self.lanes, time.monotonic, self._on_rtp
        for place in places:
            data, size = place.data, place.length[0]
            try:
                source = known.get(place.source.tobytes()) or self._intake.learn(place)
                if 128 <= data[0] <= 191 and RTP_HEADER <= size <= MAX_PACKET:
                    lane = lanes.get(source)
                    if lane is None:
                        self.dropped["unknown_source"] += 1
                    elif 192 <= data[1] <= 223:
                        self._on_rtcp(lane, place, clock())
                    else:
                        on_rtp(lane, place, clock())
                else:
                    self._on_end()  # what it changes is not to change what is on its way
                    self._read_slow(bytes(place.view[:size]), source, clock())
            except Exception:
                self.note_fault(size)

    def note_fault(self, size: int) -> None:
        """Our own fault, found by a datagram: one trace a second, so that nobody can fill the log."""
        self.dropped["fault"] += 1
        if self._fault_log.allows("fault", time.monotonic()):
            log.exception("datagram of %d bytes broke its handler", size)

    def _read_slow(self, datagram: bytes, source: Address, now: float) -> None:
        if len(datagram) > MAX_PACKET:
            reason: str | None = "too_long"
        elif not datagram:
            reason = "empty"
        else:
            reason = self.judge(datagram, source, now)
        if reason is not None:
            self.dropped[reason] += 1

    def judge(self, datagram: bytes, source: Address, now: float) -> str | None:
        """Settle a datagram that is no SRTP; returns the reason when it is dropped."""
        first = datagram[0]
        if first <= 3:
            return self._on_stun(datagram, source, now)
        if 20 <= first <= 63:
            lane = self.lanes.get(source)
            if lane is None:
                return "unknown_source"
            return None if lane.owner.on_dtls(datagram) else "dtls_queue_full"
        return "unknown_kind"


def _open(host: str, port: int, past_loopback: bool) -> MediaSocket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    opened = MediaSocket(family, kind, protocol)
    opened.send_stream = None
    try:
        opened.setblocking(False)
        takes_both(opened)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        bind(opened, address, past_loopback=past_loopback)
    except OSError:
        opened.close()
        raise
    return opened
