"""What a packet path works on, and the interface that the Python path and the C path both satisfy.

    Lane         one peer's address and keys, and the table of what it sends us
    UpStream     one stream from a person to us: loss, reception, cache, and who gets it
    DownStream   one half (audio or video) of a slot: an SSRC of ours at one subscriber, whoever it shows

The room and the feedback lane change these objects only through a path; a path calls back through `LaneOwner` and `Watcher`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from media.core.bandwidth import Rate
from media.core.keyframe import KEY_FRAME_TESTS, KeyFrameThrottle
from media.core.ledger import Ledger, Roll
from media.core.loss import AUDIO_LOSS, VIDEO_LOSS, LossPolicy, LossTracker
from media.core.packetcache import AUDIO_PACKETS, VIDEO_PACKETS, PacketCache
from media.core.reception import Reception
from media.core.red import NO_PT, RecentVoice
from media.core.reports import StreamClock
from media.core.rtp import SILENCE
from media.core.seqmap import SeqMap
from media.core.shape import HeaderShape
from media.core.transport_cc import Arrivals
from media.forward.tap import Tap
from media.net.ice_lite import Address
from media.net.srtp import SrtpBuffer, SrtpSessions

Kind = Literal["audio", "video"]
# One frame at 30 fps: the least distance of two pictures over a switch of source.
VIDEO_STEP_S = 1 / 30
# Retransmissions a subscriber may cause: a NACK of 20 bytes can ask for 85 packets, so it must not do so for ever.
RTX_PER_S = 400.0
RTX_AT_ONCE = 200.0
# Packets that one peer may send between two reports to it (a second): three pictures of 2.5 Mbit/s are 900. A member's flood
# ends here and not at the other members (ASVS V17.2.5).
PACKETS_PER_REPORT = 3000
NOWHERE: Address = ("", 0)  # no address chosen yet
LOSS_POLICIES: dict[Kind, LossPolicy] = {"audio": AUDIO_LOSS, "video": VIDEO_LOSS}
CACHE_PACKETS: dict[Kind, int] = {"audio": AUDIO_PACKETS, "video": VIDEO_PACKETS}


class LaneOwner(Protocol):
    """The peer behind a lane, for everything that is not an RTP packet of a known SSRC."""

    def on_dtls(self, datagram: bytes) -> bool: ...

    def on_feedback(self, compound: bytes, now: float) -> None: ...

    def on_unknown(self, packet: bytes, ssrc: int, now: float) -> UpStream | None: ...

    def on_key_frame(self, up: UpStream) -> None:
        """A key frame that somebody waited for begins; nothing has been done with its first packet yet."""
        ...


class Watcher(Protocol):
    """The feedback lane: what the path notices and does not settle itself."""

    def on_gap(self, up: UpStream) -> None:
        """Packets came out of order: losses are due for a look."""
        ...

    def on_key_wanted(self, up: UpStream, first_picture: bool) -> None:
        """A subscriber can begin (`first_picture`) or go on only with a key frame."""
        ...


class Lane:
    """One peer on the port. `heard` is when the last authentic packet or check came, monotonic seconds."""

    __slots__ = (
        "address",
        "arrivals",
        "budget",
        "count_ident",
        "heard",
        "owner",
        "repairs",
        "rtcp_ssrc",
        "rx",
        "sessions",
        "tx",
        "ups",
    )

    def __init__(self, owner: LaneOwner, rtcp_ssrc: int, now: float) -> None:
        """rtcp_ssrc  whom our receiver reports, NACKs and PLIs come from."""
        self.owner = owner
        self.rtcp_ssrc = rtcp_ssrc
        self.address: Address = NOWHERE
        self.sessions: SrtpSessions | None = None
        self.rx: object | None = None  # libsrtp's pointers, valid while `sessions` lives
        self.tx: object | None = None
        self.ups: dict[int, UpStream] = {}
        self.repairs: dict[int, UpStream] = {}  # by the SSRC of their RTX stream
        self.heard = now
        self.count_ident = 0  # of the extension with the number that counts over all its streams; 0 = not negotiated
        self.arrivals = Arrivals()
        self.budget = PACKETS_PER_REPORT  # what this peer may still send until the next report to it


class UpStream:
    """See the module. `handle` is unique in the worker's life: it is SeqMap's source."""

    __slots__ = (
        "cache",
        "clock",
        "clock_rate",
        "codec",
        "counts_until",
        "downs",
        "handle",
        "is_key_frame",
        "key_at",
        "key_ext",
        "keys",
        "kind",
        "lane",
        "last_at",
        "last_seq",
        "level_ident",
        "loss",
        "loudest",
        "nack",
        "octets",
        "paused",
        "pt",
        "rate",
        "recent",
        "reception",
        "red_pt",
        "rid",
        "rtx_ssrc",
        "shape",
        "ssrc",
        "tap",
        "waiting",
    )

    def __init__(
        self, handle: int, lane: Lane, kind: Kind, codec: str, clock_rate: int, ssrc: int, *, nack: bool
    ) -> None:
        """codec  as in SDP (`opus`, `VP8`, `H264`).   nack  whether the browser will answer NACKs."""
        self.handle = handle
        self.lane = lane
        self.kind: Kind = kind
        self.codec = codec
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.rtx_ssrc: int | None = None
        self.rid = ""  # of a simulcast layer
        self.counts_until = 0.0  # as there although nothing comes: it rests (core/resting.py)
        self.rate = Rate()
        self.pt = 0  # payload type of the stream that RTX repairs
        self.red_pt = NO_PT  # the same frames, several in a packet (core/red.py)
        self.level_ident = 0  # of the extension that says how loud it is; 0 = not negotiated
        self.shape: HeaderShape | None = None  # of its packets' extensions
        self.loudest = SILENCE  # since somebody took it (hearing.py)
        self.recent: RecentVoice | None = None  # kept while a subscriber gets his voice several times
        self.nack = nack
        self.loss = LossTracker(LOSS_POLICIES[kind])
        self.keys = KeyFrameThrottle()  # while `wanted`, each packet is looked at
        self.is_key_frame = KEY_FRAME_TESTS.get(codec)
        self.key_ext, self.key_at = -1, 0.0  # the newest key frame that somebody wanted; -1: none that may be shown
        self.clock = StreamClock(clock_rate)
        self.cache = PacketCache(CACHE_PACKETS[kind])
        self.reception = Reception(ssrc, clock_rate)
        self.downs: list[DownStream] = []  # flowing; replaced, never changed, so that a loop over it stays whole
        self.waiting: list[DownStream] = []  # video that starts with the next key frame
        self.paused = False
        self.tap: Tap | None = None
        self.last_seq = -1
        self.last_at = 0.0  # monotonic seconds of the last packet, 0 = none yet
        self.octets = 0

    def new_roll(self) -> Roll:
        """For the tap that is set next. A path that keeps none leaves it empty, and gives the tap each packet."""
        return Roll(Ledger())


class DownStream:
    """See the module. `pt` maps (marker << 7 | payload type) of the up stream to ours; 0 = the subscriber cannot take it.

    `red_pt`: ours for RED, NO_PT = he takes none: what comes as RED leaves as its last block. `depth`: so many frames before its own
    a packet of voice carries for him, made by us; 0 = as it came.
    """

    __slots__ = (
        "abs_base",
        "begun_at",
        "block_pt",
        "depth",
        "kind",
        "lane",
        "last_numbers",
        "map",
        "next_up",
        "numbered",
        "octets",
        "packets",
        "pt",
        "red_pt",
        "rtx_at",
        "rtx_pt",
        "rtx_seq",
        "rtx_ssrc",
        "rtx_tokens",
        "sent_rtx",
        "shift",
        "ssrc",
        "up",
    )

    def __init__(self, lane: Lane, kind: Kind, clock_rate: int, ssrc: int, first_seq: int, first_ts: int) -> None:
        self.lane = lane
        self.kind: Kind = kind
        self.ssrc = ssrc
        self.map = SeqMap(clock_rate, first_seq, first_ts, VIDEO_STEP_S if kind == "video" else 0.0)
        self.pt = bytes(256)
        self.red_pt = NO_PT
        self.block_pt = 0  # his Opus, in the RED that we make
        self.depth = 0
        self.abs_base = 0  # element header of abs-send-time, 0 = not negotiated
        self.rtx_ssrc = 0
        self.rtx_pt = 0  # 0 = no RTX
        self.rtx_seq = first_seq
        self.rtx_tokens = RTX_AT_ONCE
        self.rtx_at = 0.0
        self.sent_rtx = 0
        self.packets = 0
        self.octets = 0
        self.up: UpStream | None = None
        self.next_up: UpStream | None = None  # the layer to go over to with its next key frame
        # VP8's own numbers (core/picture_ids.py): they are shifted by the same from `begun_at` of source `numbered` on.
        self.shift = 0
        self.numbered = -1
        self.begun_at = 0
        self.last_numbers = (-1, -1)


class Gate(Protocol):
    """The port (net/udp.py), as a path sees it."""

    @property
    def socket(self) -> socket.socket: ...

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_rtp: Callable[[Lane, SrtpBuffer, float], None],
        on_rtcp: Callable[[Lane, SrtpBuffer, float], None],
        on_end: Callable[[], None],
    ) -> None:
        """Read the socket and call these, `on_end` when nothing more is there for now.

        A path that reads it itself leaves this out, and calls the two below.
        """
        ...

    def judge(self, datagram: bytes, source: Address, now: float) -> str | None:
        """Settle a datagram that is no SRTP; returns the reason when it is dropped."""
        ...

    def note_fault(self, size: int) -> None:
        """Handling a datagram of that size raised what it should not have: count it, and log the trace at hand."""
        ...


class ForwardPath(Protocol):
    """Moves packets. All calls from the worker's loop. Only a path makes lanes and streams: it chooses where their numbers stand."""

    name: str
    dropped: Counter[str]
    packets_in: int
    packets_out: int

    def start(self, loop: asyncio.AbstractEventLoop, port: Gate) -> None:
        """Take packets from now on; called once."""
        ...

    def take_sealed(self, lane: Lane, packet: bytes, now: float) -> None:
        """One SRTP or SRTCP packet of a lane, at least 12 and at most 1500 bytes, that another way than the socket brought."""
        ...

    def use_addresses(self, lanes: Mapping[Address, Lane]) -> None:
        """Whom the port belongs to from now on; called after each change of it."""
        ...

    def close(self) -> None:
        """Read nothing more. Idempotent."""
        ...

    def new_lane(self, owner: LaneOwner, rtcp_ssrc: int, now: float) -> Lane: ...

    def new_up(
        self, handle: int, lane: Lane, kind: Kind, codec: str, clock_rate: int, ssrc: int, *, nack: bool
    ) -> UpStream: ...

    def new_down(
        self, lane: Lane, kind: Kind, clock_rate: int, ssrc: int, first_seq: int, first_ts: int
    ) -> DownStream: ...

    def open_lane(self, lane: Lane, sessions: SrtpSessions) -> None:
        """The handshake gave keys: packets of this lane are taken from now on."""
        ...

    def close_lane(self, lane: Lane) -> None:
        """Nothing is taken from or sent to this lane from now on; its ups and downs must be removed before."""
        ...

    def add_up(self, up: UpStream) -> None:
        """Its SSRC belongs to its lane from now on."""
        ...

    def remove_up(self, up: UpStream) -> None:
        """Forget it and take it from all its down streams."""
        ...

    def connect(self, up: UpStream, down: DownStream) -> None:
        """Send `up` into `down`; video begins with a key frame, which is asked for."""
        ...

    def catch_up(self, up: UpStream, down: DownStream, since: float, now: float) -> bool:
        """As `connect`, but with the key frame that just came, and all after it: `send_on` sends it, from `up.key_ext` on.

        since  nothing is sent of before then.
        Returns False, and nothing has changed: it is not to be had.
        """
        ...

    def send_on(self, up: UpStream, down: DownStream, ext: int, bits: float, now: float) -> tuple[int, int]:
        """To who catches up: what came from number `ext` on, until `bits` are used. The number that comes next (catching_up.COMPLETE:
        none, `down` gets what comes like anybody), and the bits used."""
        ...

    def switch(self, up: UpStream, down: DownStream) -> None:
        """Go over to `up`, another layer of the picture that `down` shows, with its next key frame, which is asked for.

        Until then the layer before goes on. `up` may be that one: then it stays.
        """
        ...

    def disconnect(self, down: DownStream) -> None:
        """Send nothing into `down` until it is connected again."""
        ...

    def pause(self, up: UpStream, paused: bool) -> None:
        """Forward nothing of `up` while paused; afterwards video begins with a key frame, which is asked for."""
        ...

    def retransmit(self, down: DownStream, seqs: Sequence[int], now: float) -> int:
        """Send what a NACK asks for over RTX; returns how many were sent."""
        ...

    def send_rtcp(self, lane: Lane, compound: bytes) -> bool:
        """Protect and send one compound packet."""
        ...

    def tell_gently(self, lane: Lane, *, forgives: bool, at_once: bool) -> None:
        """Tell this sender nothing of his lost packets, or of all that they came at once, or all as it is."""
        ...

    def tell_arrivals(self, step: int = 0, steps: int = 1) -> None:
        """Tell every browser that counts its packets which of them came since it was told last, and when (transport-cc).

        With `steps`, part `step` of them; from 0 to the last, each hears once.
        """
        ...
