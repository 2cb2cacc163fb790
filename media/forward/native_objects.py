"""Lanes, up streams and down streams whose numbers C can see (native_memory.py).

Each fact has one place. What fastpath.c reads or writes for every packet stands in a structure, and the attributes here are windows
onto it; so python_path.py and the cores work on the same numbers when a packet comes their way. What is looked at only now and
then (missing numbers, closed segments, who waits) stays plain Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from ctypes import addressof
from operator import attrgetter
from typing import Any, Final

from media.core.keyframe import KeyFrameThrottle
from media.core.ledger import Ledger, Roll
from media.core.loss import LossPolicy, LossTracker
from media.core.packetcache import MAX_AGE_S, PacketCache
from media.core.reception import Reception
from media.core.red import NO_PT
from media.core.seqmap import SeqMap
from media.forward.native_arrivals import SharedArrivals
from media.forward.native_memory import (
    ARRIVALS,
    ArrivalMemory,
    CachedMemory,
    DownMemory,
    LaneMemory,
    Library,
    RollMemory,
    UpMemory,
)
from media.forward.native_sealing import Secured, secure
from media.forward.path import (
    CACHE_PACKETS,
    LOSS_POLICIES,
    VIDEO_STEP_S,
    DownStream,
    Kind,
    Lane,
    LaneOwner,
    UpStream,
)
from media.net.ice_lite import Address
from media.net.sockaddr import sockaddr
from media.net.srtp import MAX_PACKET, SrtpSessions, ffi

# Bytes kept of a stream: at first, and then a second of what comes and a quarter more, up to 13 Mbit/s.
FIRST_ARENA: Final = {"audio": 8 << 10, "video": 64 << 10}
LARGEST_ARENA: Final = {"audio": 64 << 10, "video": 2 << 20}
ARENA_STEP: Final = 8 << 10
ARENA_SLACK: Final = 1.25
SHRINK_AFTER: Final = 10  # looks, a second apart
# Bytes on a roll: 0.6 seconds of 2.5 Mbit/s. What does not fit goes through the tray.
ROLL: Final = {"audio": 16 << 10, "video": 192 << 10}


def window(field: str) -> Any:
    """An attribute that is a field of the object's `memory`."""

    def write(self: Any, value: Any) -> None:
        setattr(self.memory, field, value)

    return property(attrgetter(f"memory.{field}"), write)


def mirrored(base: type, name: str, push: Callable[[Any, Any], None]) -> Any:
    """A plain attribute (a slot of the base class) of which `push(object, value)` tells the structure."""
    attribute = base.__dict__[name]

    def write(self: Any, value: Any) -> None:
        attribute.__set__(self, value)
        push(self, value)

    return property(attribute.__get__, write)


def _pointer(session: Any) -> int | None:
    return None if session is None else int(ffi.cast("uintptr_t", session))


def _push_session(field: str) -> Callable[[Any, Any], None]:
    return lambda lane, session: setattr(lane.memory, field, _pointer(session))


def _push_address(lane: NativeLane, address: Address) -> None:
    packed = sockaddr(address)
    lane.memory.address[: len(packed)] = packed
    lane.memory.address_size = len(packed)
    lane.memory.no_gso = False
    lane.memory.by_python = len(address) == 3


def _push_count(lane: NativeLane, ident: int) -> None:
    """The room is made when it is needed: most of a day a lane only listens."""
    if ident and lane.memory.arrivals is None:
        lane.make_room()
    lane.memory.count_ident = ident


class NativeLane(Lane):
    """path.py Lane. `fill` after each change of `ups`. `by_python`: reached by another way than the port's socket."""

    __slots__ = ("_arrived", "_table", "memory", "secured")

    rx = mirrored(Lane, "rx", _push_session("rx"))
    tx = mirrored(Lane, "tx", _push_session("tx"))
    address = mirrored(Lane, "address", _push_address)
    count_ident = mirrored(Lane, "count_ident", _push_count)
    heard = window("heard")
    budget = window("budget")
    by_python = window("by_python")

    def __init__(self, library: Library, ident: int, owner: LaneOwner, rtcp_ssrc: int, now: float) -> None:
        self.memory = LaneMemory(id=ident, first_out=-1, last_out=-1, rtcp_ssrc=rtcp_ssrc, newest=-1, told_to=-1)
        self._table: Any = None
        self._arrived: Any = None
        self.secured: tuple[Secured, Secured] | None = None
        super().__init__(owner, rtcp_ssrc, now)
        self.arrivals = SharedArrivals(self.memory, library)

    def secure(self, sessions: SrtpSessions) -> None:
        """`rx` and `tx` are sealing.h's from now on."""
        self.secured = rx, tx = secure(sessions)
        self.rx, self.tx = rx.handle, tx.handle

    def make_room(self) -> None:
        """For what comes between two feedbacks."""
        self._arrived = (ArrivalMemory * ARRIVALS)()
        self.memory.arrivals = addressof(self._arrived)

    def fill(self) -> None:
        """Tell C which streams there are."""
        ups = [up for up in self.ups.values() if isinstance(up, NativeUp)]
        self._table = _addresses(ups)
        self.memory.up_count = 0
        self.memory.ups = addressof(self._table)
        self.memory.up_count = len(ups)


def _addresses(objects: Sequence[NativeUp | NativeDown]) -> Any:
    return (ctypes.c_void_p * max(1, len(objects)))(*(addressof(one.memory) for one in objects))


class SharedLoss(LossTracker):
    __slots__ = ("memory",)

    _next = window("next")
    highest = window("highest")

    def __init__(self, memory: UpMemory, policy: LossPolicy) -> None:
        self.memory = memory
        super().__init__(policy)


class SharedReception(Reception):
    __slots__ = ("memory",)

    _base = window("base")
    _highest = window("top")
    _transit = window("transit")
    packets = window("received")
    jitter_ticks = window("jitter")

    def __init__(self, memory: UpMemory, ssrc: int, clock_rate: int) -> None:
        self.memory = memory
        super().__init__(ssrc, clock_rate)


class SharedKeys(KeyFrameThrottle):
    __slots__ = ("memory",)

    wanted = window("key_wanted")

    def __init__(self, memory: UpMemory) -> None:
        self.memory = memory
        super().__init__()


class SharedMap(SeqMap):
    __slots__ = ("memory",)

    highest = window("highest")
    seq_delta = window("seq_delta")
    ts_delta = window("ts_delta")
    last_ts = window("last_ts")
    last_now = window("last_now")

    def __init__(self, memory: DownMemory, clock_rate: int, first_seq: int, first_ts: int, min_step_s: float) -> None:
        self.memory = memory
        super().__init__(clock_rate, first_seq, first_ts, min_step_s)


class SharedCache(PacketCache):
    """PacketCache in two blocks of memory: places by number, and a ring of bytes as long as the stream's second."""

    __slots__ = ("_arena", "_index", "_largest", "_library", "_looked_at", "_roomy", "_smallest", "_written", "memory")

    def __init__(self, memory: UpMemory, library: Library, kind: Kind, max_age_s: float = MAX_AGE_S) -> None:
        super().__init__(1, max_age_s)  # nothing is kept there
        places = CACHE_PACKETS[kind]
        self.memory = memory
        self._library = library
        self._smallest, self._largest = FIRST_ARENA[kind], LARGEST_ARENA[kind]
        self._index = (CachedMemory * places)()
        ctypes.memset(self._index, 0xFF, ctypes.sizeof(self._index))  # every `ext` is -1
        memory.index, memory.index_mask = addressof(self._index), places - 1
        self._use_arena(self._smallest, 0.0)
        self._written, self._looked_at, self._roomy = 0, -1.0, 0

    def _use_arena(self, size: int, now: float) -> None:
        """What is kept goes along, but for what is too old or finds no room."""
        arena = (ctypes.c_uint8 * size)()
        self._library.move(addressof(self.memory), arena, size, now, self.max_age_s)
        self._arena = arena  # the one before may go now

    def store(self, ext: int, packet: bytes, now: float) -> None:
        self._library.store(addressof(self.memory), ext, packet, len(packet), now)

    def get(self, ext: int, now: float) -> bytes | None:
        room = ctypes.create_string_buffer(MAX_PACKET)
        size = self._library.load(addressof(self.memory), ext, now, self.max_age_s, room, MAX_PACKET)
        return room.raw[:size] if size else None

    def forget(self, now: float) -> None:
        """Nothing is freed packet by packet; the ring of bytes follows the stream's rate, looked at twice a second at most."""
        passed_s = now - self._looked_at
        if self._looked_at >= 0 and passed_s < self.max_age_s / 2:
            return
        if self._looked_at >= 0:
            rate = (self.memory.written - self._written) / passed_s
            self._fit(int(rate * self.max_age_s), now)
        self._written, self._looked_at = self.memory.written, now

    def _fit(self, needed: int, now: float) -> None:
        """Grow when a second no longer fits; shrink when two would have fit twice for a while: who is silent may speak again."""
        before: int = self.memory.arena_size
        size = int(needed * ARENA_SLACK) // ARENA_STEP * ARENA_STEP + ARENA_STEP
        size = min(self._largest, max(self._smallest, size))
        if size == before or before // 4 < needed <= before:
            self._roomy = 0
            return
        self._roomy += 1
        if size > before or self._roomy >= SHRINK_AFTER:
            self._roomy = 0
            self._use_arena(size, now)


class SharedLedger(Ledger):
    __slots__ = ("memory",)

    _next = window("next")
    _highest = window("highest")
    received = window("received")

    def __init__(self, memory: RollMemory) -> None:
        self.memory = memory
        super().__init__()


class NativeRoll(Roll):
    """path.py Roll, which C fills."""

    __slots__ = ("_bytes", "memory")

    def __init__(self, size: int) -> None:
        self._bytes = (ctypes.c_uint8 * size)()
        self.memory = RollMemory(bytes=addressof(self._bytes), size=size)
        super().__init__(SharedLedger(self.memory))

    def take(self) -> tuple[bytes, int]:
        memory = self.memory
        count: int = memory.count
        if not count:
            return b"", 0
        records = ctypes.string_at(memory.bytes, memory.used)
        memory.used = memory.count = 0
        return records, count


def _push_tap(up: NativeUp, tap: object) -> None:
    up.memory.tapped = tap is not None
    if tap is None:
        up.memory.roll, up.roll = None, None


def _push_downs(up: NativeUp, downs: Sequence[DownStream]) -> None:
    native = [down for down in downs if isinstance(down, NativeDown)]
    table = _addresses(native)
    up.memory.down_count = 0
    up.memory.downs = addressof(table)
    up.memory.down_count = len(native)
    up.table = table  # the one before may go now


class NativeUp(UpStream):
    """path.py UpStream."""

    __slots__ = ("memory", "roll", "table")

    downs = mirrored(UpStream, "downs", _push_downs)
    tap = mirrored(UpStream, "tap", _push_tap)
    paused = window("paused")
    last_seq = window("last_seq")
    last_at = window("last_at")
    pt = window("pt")
    red_pt = window("red_pt")
    level_ident = window("level_ident")
    loudest = window("loudest")
    octets = window("octets")

    def __init__(
        self,
        library: Library,
        handle: int,
        lane: Lane,
        kind: Kind,
        codec: str,
        clock_rate: int,
        ssrc: int,
        *,
        nack: bool,
    ) -> None:
        self.memory = UpMemory(id=handle, ssrc=ssrc, clock_rate=clock_rate, red_pt=NO_PT)
        self.table: Any = None
        self.roll: NativeRoll | None = None
        super().__init__(handle, lane, kind, codec, clock_rate, ssrc, nack=nack)
        self.loss = SharedLoss(self.memory, LOSS_POLICIES[kind])
        self.reception = SharedReception(self.memory, ssrc, clock_rate)
        self.keys = SharedKeys(self.memory)
        self.cache = SharedCache(self.memory, library, kind)

    def new_roll(self) -> Roll:
        roll = NativeRoll(ROLL[self.kind])
        self.memory.roll, self.roll = addressof(roll.memory), roll  # the one before may go now
        return roll


def _push_pt(down: NativeDown, table: bytes) -> None:
    down.memory.pt[:] = table


class NativeDown(DownStream):
    """path.py DownStream."""

    __slots__ = ("memory",)

    pt = mirrored(DownStream, "pt", _push_pt)
    red_pt = window("red_pt")
    depth = window("depth")
    abs_base = window("abs_base")
    packets = window("packets")
    octets = window("octets")
    shift = window("shift")

    def __init__(self, lane: NativeLane, kind: Kind, clock_rate: int, ssrc: int, first_seq: int, first_ts: int) -> None:
        video = kind == "video"
        self.memory = DownMemory(to=addressof(lane.memory), ssrc=ssrc, video=video)
        super().__init__(lane, kind, clock_rate, ssrc, first_seq, first_ts)
        self.map = SharedMap(self.memory, clock_rate, first_seq, first_ts, VIDEO_STEP_S if video else 0.0)
