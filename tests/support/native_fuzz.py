"""A hostile and restless crowd on the C path: `python -m tests.support.native_fuzz LIBRARY SEED STEPS`.

Run with a library compiled under AddressSanitizer and UndefinedBehaviorSanitizer (tests/media/test_native_sanitized.py): every access
outside its object, every use after the end of an object, every overflow ends the process. Members come and go in the middle of
batches, addresses move, packets are cut off, padded, extended and bent in every field; what carries a right tag gets furthest.
"""

from __future__ import annotations

import gc
import random
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

from media.core.rtp import HEADER
from media.forward.native_memory import Library, load_library
from media.forward.path import DownStream, Kind, Lane, LaneOwner, UpStream
from media.forward.self_test import PROFILES, Notes, Wire, check_native, wired_native
from media.net.ice_lite import Address
from media.net.srtp import MAX_PACKET, OK, SrtpBuffer, SrtpSessions, protect, protect_rtcp

PROFILE, KEY_SIZE = PROFILES[0]
THEIRS, OURS = bytes(range(KEY_SIZE)), bytes(range(1, KEY_SIZE + 1))
MEMBERS = 5


class Member:
    """One lane with a socket of its own behind it, its streams and its keys."""

    def __init__(self, crowd: Crowd) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(crowd.port.getsockname())
        self.keys = SrtpSessions("fuzz", PROFILE, OURS, THEIRS)
        self.lane = crowd.path.new_lane(cast(LaneOwner, crowd.notes), crowd.number(), 0.0)
        self.lane.address = self.socket.getsockname()
        self.lane.count_ident = 3
        crowd.path.open_lane(self.lane, SrtpSessions("fuzz", PROFILE, THEIRS, OURS))
        self.ups: list[UpStream] = []
        self.downs: list[DownStream] = []
        self.seqs: dict[int, int] = {}
        self.sealed = SrtpBuffer()

    def send(self, plain: bytes, seal: Any) -> None:
        """What libsrtp would not seal nobody can send; the rest goes as it is."""
        sealed = self.sealed
        sealed.data[: len(plain)], sealed.length[0] = plain, len(plain)
        if seal(self.keys.tx, sealed.c, sealed.length) == OK:
            self.socket.send(sealed.view[: sealed.length[0]])


class Crowd:
    def __init__(self, library: Library, chance: random.Random) -> None:
        self.chance = chance
        self.port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port.bind(("127.0.0.1", 0))
        self.port.setblocking(False)
        self.wire, self.notes = Wire(), Notes()
        self.path, _ = wired_native(library, self.wire, self.notes, Counter[str](), gso=True)
        self.path.memory.fd = self.port.fileno()
        library.stamp(self.port.fileno())
        self._numbers = 0
        self.members = [Member(self) for _ in range(MEMBERS)]
        self.route()

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def route(self) -> None:
        lanes: dict[Address, Lane] = {member.lane.address: member.lane for member in self.members}
        self.path.use_addresses(lanes)

    def play(self, steps: int) -> None:
        for step in range(steps):
            for _ in range(self.chance.randrange(40)):
                self.send_something(self.chance.choice(self.members))
            if step % 20 == 0:
                self.burst()
            self.change_something()
            self.wire.full = self.chance.random() < 0.05
            self.wire.cuts = self.chance.random() < 0.9
            self.wire.error = self.chance.choice([0] * 20 + [1, 90])
            self.path.read()
            self.path.tell_arrivals()
            self.wire.sent.clear()
            self.wire.messages.clear()
            self.notes.told.clear()
            if step % 50 == 0:
                gc.collect()

    # --- packets ----------------------------------------------------------------------------------------------------

    def send_something(self, member: Member) -> None:
        chance = self.chance
        kind = chance.random()
        if kind < 0.1:
            first = chance.choice([0, 1, 20, 63, 64, 0x80, 0x90, 0xBF, 255])
            member.socket.send(
                bytes([first]) + chance.randbytes(chance.choice([0, 1, 10, 11, 60, 1499, 1500, 2047, 3000]))
            )
        elif kind < 0.15:
            member.send(
                bytes([0x80, 200 + chance.randrange(8), 0, 1]) + chance.randbytes(chance.choice([4, 8, 200])),
                protect_rtcp,
            )
        elif member.ups:
            member.send(self.packet(member, chance.choice(member.ups)), protect)

    def burst(self) -> None:
        """More packets than leave in one flush: many at once of a stream that many get."""
        member, up = max(
            ((one, up) for one in self.members for up in one.ups),
            key=lambda pair: len(pair[1].downs),
            default=(None, None),
        )
        if member is None or up is None:
            return
        up.lane.budget = 3000
        for _ in range(120):
            seq = member.seqs[up.ssrc] = member.seqs[up.ssrc] + 1
            member.send(
                HEADER.pack(0x80, 96, seq & 0xFFFF, seq, up.ssrc)
                + b"\x10\x00"
                + bytes(self.chance.choice([5, 5, 900])),
                protect,
            )

    def packet(self, member: Member, up: UpStream) -> bytes:
        chance = self.chance
        seq = member.seqs[up.ssrc] = member.seqs[up.ssrc] + chance.choice(
            [1] * 100 + [0, 2, 2, 2, 5, -3, -1, 300, 40_000]
        )
        first = 0x80 | (chance.randrange(64) if chance.random() < 0.3 else 0)
        pt = chance.choice([96] * 20 + [chance.randrange(128)]) | chance.choice([0, 0x80])
        ssrc = up.ssrc if chance.random() < 0.97 else chance.randrange(1 << 32)
        body = chance.choice([b"\x10\x00", b"\x10\x01", b""]) + chance.randbytes(
            chance.choice([0, 1, 60, 600, 1100, 1400])
        )
        whole = HEADER.pack(first, pt, seq & 0xFFFF, chance.randrange(1 << 32), ssrc) + body
        return whole[: MAX_PACKET - 16]

    # --- comings and goings -----------------------------------------------------------------------------------------

    def change_something(self) -> None:
        chance, path = self.chance, self.path
        member, other = chance.choice(self.members), chance.choice(self.members)
        actions = [self.begin_stream, self.subscribe, self.unsubscribe, self.end_stream, self.move, self.replace]
        chance.choices(actions, [3, 12, 4, 1, 1, 1])[0](member)
        for up in member.ups:
            up.lane.budget = chance.choice([3] + [3000] * 9)
            up.cache.forget(up.last_at + chance.random())
            if chance.random() < 0.1:
                path.pause(up, not up.paused)
            up.tap = self.notes if chance.random() < 0.5 else None
            if up.tap is not None and chance.random() < 0.5:
                up.new_roll().ledger.receive(up.last_seq & 0xFFFF, 0.0)  # what follows in order goes there
        for down in other.downs:
            newest = down.map.highest + down.map.seq_delta
            path.retransmit(down, [newest - n & 0xFFFF for n in range(5)] + [chance.randrange(65536)], 1e9)

    def begin_stream(self, member: Member) -> None:
        if len(member.ups) < 6:
            kind: Kind = self.chance.choice(["audio", "video"])
            codec = {"audio": "opus", "video": self.chance.choice(["VP8", "H264", "AV1"])}[kind]
            up = self.path.new_up(self.number(), member.lane, kind, codec, 90000, self.number() * 1000, nack=True)
            up.pt, up.rtx_ssrc = 96, up.ssrc + 1
            member.seqs[up.ssrc] = self.chance.randrange(65536)
            member.ups.append(up)
            self.path.add_up(up)

    def end_stream(self, member: Member) -> None:
        if member.ups:
            self.path.remove_up(member.ups.pop(self.chance.randrange(len(member.ups))))

    def subscribe(self, member: Member) -> None:
        ups = [up for other in self.members for up in other.ups]
        if not ups:
            return
        up = self.chance.choice(ups)
        down = self.path.new_down(member.lane, up.kind, 90000, self.number(), 65530, 4294967290)
        down.abs_base = self.chance.choice([0, 0x32000000])
        down.pt = bytes(n if n & 0x7F < 100 else 0 for n in range(256))
        down.rtx_pt, down.rtx_ssrc = 101, self.number()
        member.downs.append(down)
        self.path.connect(up, down)

    def unsubscribe(self, member: Member) -> None:
        if member.downs:
            self.path.disconnect(member.downs.pop(self.chance.randrange(len(member.downs))))

    def move(self, member: Member) -> None:
        place = self.chance.choice([("", 0), ("192.0.2.1", 9)] + [member.socket.getsockname()] * 10)
        member.lane.address = place
        cast(Any, member.lane).by_python = self.chance.random() < 0.1
        self.route()

    def replace(self, member: Member) -> None:
        """One leaves for good, while packets of his wait in the socket; another takes his seat."""
        if self.chance.random() < 0.5:
            return
        for up in member.ups:
            self.path.remove_up(up)
        for down in member.downs:
            self.path.disconnect(down)
        self.members.remove(member)
        self.members.append(Member(self))
        self.route()
        self.path.close_lane(member.lane)
        member.socket.close()


def main(file: str, seed: int, steps: int) -> None:
    library = load_library(Path(file))
    check_native(library, seed, steps)
    crowd = Crowd(library, random.Random(seed))
    crowd.play(steps)
    path = crowd.path
    assert path.packets_in > steps, "the crowd sent too little to mean anything"
    print(f"packets in {path.packets_in}, out {path.packets_out}, drops {dict(sorted(path.dropped.items()))}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
