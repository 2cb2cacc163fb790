"""One publisher and his subscribers on either packet path, with real libsrtp, and a wire of the test's own in place of the socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pylibsrtp

from media.core.rtp import HEADER, Header, abs_send_time_word, parse_header
from media.forward.path import DownStream, Lane, LaneOwner, UpStream
from media.forward.self_test import Notes, Wire, wired_native, wired_python
from media.net.answer import pt_table
from media.net.srtp import SrtpSessions
from tests.support.native import native_library

GCM = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
SENDER_KEY, OUR_KEY = bytes(range(28)), bytes(range(1, 29))
VP8_KEY, VP8_DELTA = b"\x10\x00", b"\x10\x01"


@dataclass(slots=True)
class Watch(Notes):
    gaps: list[UpStream] = field(default_factory=list)
    wanted: list[UpStream] = field(default_factory=list)

    def on_gap(self, up: UpStream) -> None:
        self.gaps.append(up)

    def on_key_wanted(self, up: UpStream, first_picture: bool) -> None:
        self.wanted.append(up)
        up.keys.wanted = True


@dataclass(slots=True)
class Recorded:
    packets: list[bytes] = field(default_factory=list)

    def packet(self, packet: bytes, now: float) -> None:
        self.packets.append(packet)

    def report(self, ntp: int, rtp_ts: int, packets: int, octets: int, now: float) -> None:
        raise AssertionError("no sender report was sent")

    def late(self, packet: bytes, now: float) -> bool:
        return False

    def pause(self, paused: bool) -> None:
        raise AssertionError("the room tells it")

    @property
    def waiting(self) -> int:
        return 0

    def look_after(self, now: float) -> list[int]:
        return []

    def end(self) -> None:
        self.packets.append(b"end")


class Stage:
    """One publisher, any number of subscribers."""

    def __init__(self, name: str, kind: Any = "video", codec: str = "VP8", *, gso: bool = False) -> None:
        self.wire, self.watch, self.dropped = Wire(), Watch(), Counter[str]()
        make = wired_python if name == "python" else partial(wired_native, native_library(), gso=gso)
        self.path, self.feed = make(self.wire, self.watch, self.dropped)
        self.lanes: dict[Any, Lane] = {}
        self.lane = self.new_lane(1)
        self.browser = pylibsrtp.Session(
            pylibsrtp.Policy(SENDER_KEY, pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=GCM)
        )
        self.up = self.new_up(1, 77, kind, codec)
        self.receivers: dict[int, pylibsrtp.Session] = {}
        self.now = 100.0

    def new_lane(self, port: int) -> Lane:
        lane = self.path.new_lane(cast(LaneOwner, self.watch), 5, 0.0)
        lane.address = ("192.0.2.1", port)
        self.lanes[lane.address] = lane
        self.path.use_addresses(self.lanes)
        self.path.open_lane(lane, SrtpSessions("x", GCM, SENDER_KEY, OUR_KEY))
        return lane

    def new_up(self, handle: int, ssrc: int, kind: Any = "video", codec: str = "VP8") -> UpStream:
        up = self.path.new_up(handle, self.lane, kind, codec, 90000, ssrc, nack=True)
        up.pt, up.rtx_ssrc = 96, ssrc + 1
        self.path.add_up(up)
        return up

    def subscriber(self, port: int = 2, *, pts: dict[str, int] | None = None, abs_ident: int = 0) -> DownStream:
        down = self.path.new_down(self.new_lane(port), self.up.kind, 90000, 1000 + port, 65530, 7)
        down.pt = pt_table({self.up.codec: 96}, {self.up.codec: 102} if pts is None else pts)
        down.rtx_pt, down.rtx_ssrc = 103, 2000 + port
        down.abs_base = abs_send_time_word(abs_ident, 0.0) if abs_ident else 0
        policy = pylibsrtp.Policy(OUR_KEY, pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=GCM)
        self.receivers[port] = pylibsrtp.Session(policy)
        return down

    def receive(
        self, seq: int, payload: bytes, *, ts: int = 0, ssrc: int = 77, marker: bool = False, pt: int = 96
    ) -> None:
        plain = HEADER.pack(0x80, pt | (0x80 if marker else 0), seq & 0xFFFF, ts, ssrc) + payload
        self.receive_plain(plain)

    def receive_plain(self, plain: bytes) -> None:
        self.feed(self.lane, self.browser.protect(plain), self.now)

    def taken(self) -> list[tuple[Header, bytes]]:
        """What went out since the last call, decrypted as the subscriber does; a repeated number would fail here."""
        sent, self.wire.sent = self.wire.sent, []
        plain = [self.receivers[address[1]].unprotect(data) for data, address in sent]
        headers = [parse_header(p, len(p)) for p in plain]
        return [(h, p[h.payload : h.end]) for h, p in zip(headers, plain, strict=True)]


NewStage = Callable[..., Stage]
