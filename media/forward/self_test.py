"""Before the C path gets a person's packet: one story through both paths must leave the same bytes.

The story has what the paths decide about: loss, repairs, duplicates, packets that overtake each other, numbers that wrap, header
extensions, padding, streams that begin, pause and move, key frames, a full socket, retransmission. Keys are the same on both sides, so
that what is sent must be equal to the last bit of the tag; and so must be the counters, the reports and what the recorder got.
"""

from __future__ import annotations

import ctypes
import errno
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from pylibsrtp import Policy

from media.core.red import NO_PT
from media.core.rtp import HEADER, abs_send_time_word
from media.forward.native_memory import Library, NativeUnusable
from media.forward.native_path import NativePath
from media.forward.path import DownStream, Kind, Lane, LaneOwner, UpStream
from media.forward.python_path import PythonPath
from media.net.ice_lite import Address
from media.net.sockaddr import address_of
from media.net.srtp import MAX_PACKET, OK, SrtpBuffer, SrtpSessions, protect, protect_rtcp

PROFILES: Final = (
    (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
)
STEPS: Final = 250
Feed = Callable[[Lane, bytes, float], None]
# Without numbers of its own, with wide ones, and with a narrow one.
DESCRIPTORS: Final = (b"\x10", b"\x90\xc0\xff\xf0\xfa", b"\x90\x80\x7e")


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr of 64-bit Linux."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("padding", ctypes.c_uint32),
        ("length", ctypes.c_uint64),
    )


@dataclass(slots=True, repr=False)
class Wire:
    """Stands where the socket stands, for both paths. `full` refuses like a full socket; `error` refuses that errno."""

    sent: list[tuple[bytes, Address]] = field(default_factory=list)
    messages: list[list[bytes]] = field(default_factory=list)  # what left in one send of the C path
    full: bool = False
    error: int = 0
    cuts: bool = True  # False: a device that does not take UDP_SEGMENT
    callback: Any = None

    def fileno(self) -> int:
        return -1

    def sendto(self, data: memoryview, address: Address) -> int:
        if self.full:
            raise BlockingIOError
        if self.error:
            raise OSError(self.error, "refused")
        self.sent.append((bytes(data), address))
        return len(data)

    def sendmmsg(self, _fd: int, messages: Any, count: int, _flags: int) -> int:
        for number in range(count):
            message = messages[number]
            refused = errno.EAGAIN if self.full else self.error
            if not self.cuts and message.control_size:
                refused = errno.EIO
            if refused:
                ctypes.set_errno(refused)
                return number or -1
            address = address_of(ctypes.string_at(message.name, message.name_size))
            packets = [
                ctypes.string_at(message.vectors[i].base, message.vectors[i].size) for i in range(message.vector_count)
            ]
            self.messages.append(packets)
            self.sent += [(packet, address) for packet in packets]
        return count


_SEND: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Message), ctypes.c_uint, ctypes.c_int, use_errno=True
)


@dataclass(slots=True, repr=False)
class Notes:
    """What a path tells: watcher, recorder, owner and port in one. Nothing in it may differ between the paths."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    socket: Any = None

    def on_gap(self, up: UpStream) -> None:
        """Not noted: the C path leaves out what changes nothing."""

    def on_key_wanted(self, up: UpStream, first_picture: bool) -> None:
        up.keys.ask(0.0, first_picture)
        self.told.append(("key", up.handle, first_picture))

    def packet(self, packet: bytes, now: float) -> None:
        self.told.append(("recorded", packet, now))

    def report(self, ntp: int, rtp_ts: int, packets: int, octets: int, now: float) -> None:
        raise AssertionError

    def late(self, packet: bytes, now: float) -> bool:
        self.told.append(("late", packet, now))
        return False

    def pause(self, paused: bool) -> None:
        raise AssertionError

    @property
    def waiting(self) -> int:
        raise AssertionError

    def look_after(self, now: float) -> list[int]:
        raise AssertionError

    def end(self) -> None:
        self.told.append(("end",))

    def on_dtls(self, datagram: bytes) -> bool:
        raise AssertionError

    def on_feedback(self, compound: bytes, now: float) -> None:
        self.told.append(("rtcp", compound, now))

    def on_unknown(self, packet: bytes, ssrc: int, now: float) -> UpStream | None:
        self.told.append(("unknown", packet, now))
        return None

    def on_key_frame(self, up: UpStream) -> None:
        self.told.append(("key frame", up.handle))

    def judge(self, datagram: bytes, source: Address, now: float) -> str | None:
        self.told.append(("datagram", datagram, source, now))
        return None

    def note_fault(self, size: int) -> None:
        raise sys.exception() or AssertionError(size)

    def start(self, *_: object) -> None:
        raise AssertionError


def wired_python(wire: Wire, notes: Notes, dropped: Counter[str]) -> tuple[PythonPath, Feed]:
    """The Python path into a wire, and how it gets a datagram."""
    buffer = SrtpBuffer()
    path = PythonPath(cast(Any, wire), dropped, notes)

    def feed(lane: Lane, data: bytes, now: float) -> None:
        buffer.data[: len(data)], buffer.length[0] = data, len(data)
        take = path.on_rtcp if 192 <= data[1] <= 223 else path.on_rtp
        take(lane, buffer, now)

    return path, feed


def wired_native(
    library: Library, wire: Wire, notes: Notes, dropped: Counter[str], *, gso: bool = False
) -> tuple[NativePath, Feed]:
    """The same for the C path. The wire must live as long as the path."""
    notes.socket = wire
    path = NativePath(library, notes, dropped, notes, gso=gso)
    wire.callback = _SEND(wire.sendmmsg)
    path.memory.send = ctypes.cast(wire.callback, ctypes.c_void_p).value
    return path, lambda lane, data, now: path.take(data, lane.address, now)


class Story:
    """Two who send, two who get it; everything that happens comes from a seed."""

    def __init__(self, path: PythonPath, feed: Feed, wire: Wire, notes: Notes, profile: int, key_size: int) -> None:
        self._path, self._feed, self._wire, self._notes = path, feed, wire, notes
        theirs, ours = bytes(range(key_size)), bytes(range(1, key_size + 1))
        self._browser = SrtpSessions("self-test", profile, ours, theirs)
        self._sealed = SrtpBuffer()
        self._lanes = []
        for number in range(4):
            lane = path.new_lane(cast(LaneOwner, notes), number, 0.0)
            lane.address = ("192.0.2.9", 4000 + number)
            lane.count_ident = 3 if number == 0 else 0
            path.open_lane(lane, SrtpSessions("self-test", profile, theirs, ours))
            self._lanes.append(lane)
        path.use_addresses({lane.address: lane for lane in self._lanes})
        self._ups = [self._up(1, 0, "audio", "opus"), self._up(2, 0, "video", "VP8"), self._up(3, 1, "video", "VP8")]
        self._downs = [self._down(number) for number in range(6)]
        self._seqs = {up.ssrc: 65400 + up.handle for up in self._ups}
        self._late: list[tuple[UpStream, int, bytes]] = []
        self._repairs = 0

    def _up(self, handle: int, lane: int, kind: Kind, codec: str) -> UpStream:
        up = self._path.new_up(handle, self._lanes[lane], kind, codec, 90000, 100 + handle, nack=True)
        up.pt, up.rtx_ssrc = 96, 200 + handle
        up.red_pt = 95 if kind == "audio" else NO_PT
        up.level_ident = 1 if kind == "audio" else 0
        up.tap = self._notes
        self._path.add_up(up)
        return up

    def _down(self, number: int) -> DownStream:
        kind: Kind = "audio" if number % 3 == 0 else "video"
        down = self._path.new_down(self._lanes[2 + number // 3], kind, 90000, 1000 + number, 65300, 4294960000)
        down.abs_base = abs_send_time_word(number + 1, 0.0) if number % 2 else 0
        red = {0: 95 + 9, 3: 102}.get(number, 0)  # one who takes RED, one who does not
        names = {96: 102, 95: red} if red else {96: 102}
        down.pt = bytes(names[n & 0x7F] + (n & 0x80) if n & 0x7F in names else 0 for n in range(256))
        down.red_pt = 104 if number == 0 else NO_PT
        down.block_pt = 102
        down.rtx_pt, down.rtx_ssrc = 103, 2000 + number
        return down

    def play(self, chance: random.Random, steps: int) -> None:
        now = 1000.0
        for _ in range(steps):
            now += chance.random() * 0.02
            self._wire.full = chance.random() < 0.02
            self._happen(chance, now)
            self._send_something(chance, now)

    def _happen(self, chance: random.Random, now: float) -> None:
        action, up, down = chance.random(), chance.choice(self._ups), chance.choice(self._downs)
        same = [one for one in self._downs if one.kind == up.kind]
        if action < 0.03:
            self._path.connect(up, chance.choice(same))
        elif action < 0.05:
            self._path.switch(up, chance.choice(same))
        elif action < 0.06:
            self._path.disconnect(down)
        elif action < 0.08:
            self._path.pause(up, not up.paused)
        elif action < 0.12:
            self._path.retransmit(down, [chance.randrange(65536), down.map.highest + down.map.seq_delta & 0xFFFF], now)
        elif action < 0.13:
            self._arrive(self._lanes[0], bytes([0x80, 201, 0, 1, 0, 0, 0, 1]), now, protect_rtcp)
        elif action < 0.16:
            self._path.tell_arrivals()
        elif action < 0.165:
            self._downs[0].depth = chance.choice([0, 0, 2])
        elif action < 0.17:
            self._feed(self._lanes[1], b"\x80\x60" + chance.randbytes(60), now)

    def _send_something(self, chance: random.Random, now: float) -> None:
        up = chance.choice(self._ups)
        self._seqs[up.ssrc] += 1 if chance.random() < 0.99 else chance.randrange(400)
        head = chance.choice([0x80, 0x80, 0x90, 0xB0, 0x91, 0x9F])
        kind = b"\x00" if chance.random() < 0.2 else b"\x01"
        body = (
            _extra(head, chance)
            + chance.choice(DESCRIPTORS)
            + kind
            + chance.randbytes(chance.choice([0, 10, 300, 1100, 1460]))
        )
        pt = chance.choice([95, 96]) if up.kind == "audio" else 96
        plain = HEADER.pack(
            head, pt | chance.choice([0, 0x80]), self._seqs[up.ssrc] & 0xFFFF, int(now * 9e4) & 0xFFFFFFFF, up.ssrc
        )
        fate = chance.random()
        if fate < 0.1:
            self._late.append((up, self._seqs[up.ssrc], plain + body))
        else:
            self._arrive(up.lane, plain + body, now)
        if self._late and chance.random() < 0.15:
            self._mend(*self._late.pop(), repair=chance.random() < 0.5, now=now)

    def _mend(self, up: UpStream, seq: int, packet: bytes, *, repair: bool, now: float) -> None:
        if repair and packet[0] == 0x80:
            self._repairs += 1
            head = HEADER.pack(0x80, 97, self._repairs, 5, 200 + up.handle)
            packet = head + (seq & 0xFFFF).to_bytes(2, "big") + packet[12:]
        if self._seqs[up.ssrc] - seq < 100:
            self._arrive(up.lane, packet, now)

    def _arrive(self, lane: Lane, packet: bytes, now: float, seal: Callable[..., int] = protect) -> None:
        """What libsrtp does not seal nobody can send, and what is too long the port does not let in."""
        sealed = self._sealed
        sealed.data[: len(packet)], sealed.length[0] = packet, len(packet)
        if seal(self._browser.tx, sealed.c, sealed.length) == OK and sealed.length[0] <= MAX_PACKET:
            self._feed(lane, bytes(sealed.view[: sealed.length[0]]), now)

    def outcome(self) -> Iterator[tuple[str, object]]:
        """What must be the same on both paths."""
        for (
            lane
        ) in self._lanes:  # each gets his in order; who comes first, C chooses so that one's packets leave together
            yield "datagrams", [data for data, address in self._wire.sent if address == lane.address]
        yield "what was told", self._notes.told
        yield "packet counts", (self._path.packets_in, self._path.packets_out)
        yield "drops", +self._path.dropped
        for lane in self._lanes:
            yield "arrivals", lane.arrivals.take()
        yield "levels", [up.loudest for up in self._ups]
        yield "reports", [(up.reception.report(2000.0), up.last_at, up.octets, up.loss.waiting) for up in self._ups]
        yield "down streams", [(down.packets, down.octets, down.sent_rtx, down.shift) for down in self._downs]
        yield "cache", [[up.cache.get(up.loss.highest - n, up.last_at) for n in range(4)] for up in self._ups]


def _extra(head: int, chance: random.Random) -> bytes:
    """Contributing sources and an extension block, as the first byte announces them."""
    level = bytes([chance.randrange(20, 256)])
    block = b"\xbe\xde\x00\x02\x10" + level + b"\x31" + chance.randbytes(2) + b"\x00\x00\x00"
    return bytes(4 * (head & 0x0F)) + (block if head & 0x10 else b"")


def check_native(library: Library, seed: int = 1, steps: int = STEPS) -> None:
    """Raises NativeUnusable naming the first thing that differs."""
    for profile, key_size in PROFILES:
        stories = []
        for make in (wired_python, partial(wired_native, library)):
            wire, notes, dropped = Wire(), Notes(), Counter[str]()
            path, feed = make(wire, notes, dropped)
            story = Story(path, feed, wire, notes, profile, key_size)
            story.play(random.Random(seed), steps)
            stories.append(story)
        for (name, expected), (_, found) in zip(stories[0].outcome(), stories[1].outcome(), strict=True):
            if expected != found:
                raise NativeUnusable(f"the self-test failed: {name} differ between the paths")
