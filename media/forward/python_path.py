"""The packet path in pure Python: always there.

Per packet that comes in: unprotect in place, find the up stream by SSRC, account, cache. Per packet that goes out: write a new
header, copy the payload behind it, protect in place, send. Nothing on this way makes an object per outgoing packet but the
slices that CPython insists on. The price of each step stands in the issue's measurements; a change here is measured first.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from media.core.rtcp import TransportFeedback, write_compound
from media.core.rtp import (
    FIXED_HEADER,
    HEADER,
    HEADER_ABS_SIZE,
    PADDING_BIT,
    VERSION_2,
    RtpError,
    loudest,
    payload_start,
    unwrap_rtx,
)
from media.core.shape import shape_of
from media.core.transport_cc import note_packet
from media.forward.fanning_out import FanningOut
from media.forward.path import (
    NOWHERE,
    RTX_AT_ONCE,
    RTX_PER_S,
    DownStream,
    Gate,
    Kind,
    Lane,
    LaneOwner,
    UpStream,
    Watcher,
)
from media.forward.repair import write_repair
from media.net.ice_lite import Address
from media.net.srtp import (
    MAX_PACKET,
    TRAILER,
    SrtpBuffer,
    SrtpSessions,
    protect,
    protect_rtcp,
    unprotect,
    unprotect_rtcp,
)

_ONE_WORD = 0xBEDE0001
# A plain packet that still fits the datagram gate of the next hop with header extension, RTX number and tag.
MAX_PLAIN = MAX_PACKET - HEADER_ABS_SIZE - 2 - 16


class PythonPath(FanningOut):
    """See media/forward/path.py for what each method promises. The port reads the socket and calls `on_rtp` and `on_rtcp`."""

    name = "python"

    def __init__(
        self,
        port: socket.socket,
        dropped: Counter[str],
        watcher: Watcher,
        *,
        cuts: bool = False,
    ) -> None:
        """port      non-blocking UDP socket, for sending.
        cuts      whether the kernel cuts datagrams (UDP_SEGMENT): then packets leave when `flush` ends the batch.
        """
        super().__init__(port, watcher, cuts=cuts)
        self._sendto = port.sendto
        self._out, self._brought = SrtpBuffer(), SrtpBuffer()
        self._seal, self._unseal, self._seal_rtcp, self._unseal_rtcp = protect, unprotect, protect_rtcp, unprotect_rtcp
        self._open: dict[Lane, None] = {}  # those with keys
        self.dropped = dropped
        self.packets_in = 0
        self.packets_out = 0

    # --- packets --------------------------------------------------------------------------------------------------

    def take_sealed(self, lane: Lane, packet: bytes, now: float) -> None:
        """One SRTP or SRTCP packet of a lane that another way than the socket brought."""
        buffer = self._brought
        buffer.data[: len(packet)] = packet
        buffer.length[0] = len(packet)
        if 192 <= packet[1] <= 223:
            self.on_rtcp(lane, buffer, now)
        else:
            self.on_rtp(lane, buffer, now)
            self.flush()

    def on_rtp(self, lane: Lane, received: SrtpBuffer, now: float) -> None:
        """One SRTP packet of a lane, which is opened in place."""
        if lane.rx is None:
            self.dropped["no_keys"] += 1
            return
        length = received.length
        if self._unseal(lane.rx, received.c, length):
            self.dropped["bad_auth"] += 1
            return
        lane.budget -= 1
        if lane.budget < 0:
            self.dropped["flood"] += 1
            return
        lane.heard = now
        packet = received.view[: length[0]].tobytes()
        first, marker_pt, seq, ts, ssrc = HEADER.unpack_from(packet)
        up = lane.ups.get(ssrc)
        if up is None or marker_pt & 0x7F not in (up.pt, up.red_pt):
            self._note_number(lane, packet, now)
            self._take_slow(lane, packet, ssrc, now)
            return
        start, shape = 0, up.shape
        if shape is not None and shape.fits(packet, lane.count_ident):
            start, number_at, level_at = shape.start, shape.number_at, shape.level_at
            if number_at:
                lane.arrivals.note(packet[number_at] << 8 | packet[number_at + 1], now)
            if level_at and packet[level_at] & 0x7F < up.loudest:
                up.loudest = packet[level_at] & 0x7F
        else:
            self._note_number(lane, packet, now)
            self._note_level(up, packet)
            if not seq & 7:  # now and then: some change with each picture
                up.shape = shape_of(packet, lane.count_ident, up.level_ident)
        self._take(up, packet, first, marker_pt, seq, ts, now, start)

    def _note_number(self, lane: Lane, packet: bytes, now: float) -> None:
        if lane.count_ident:
            note_packet(lane.arrivals, packet, lane.count_ident, now)

    def _note_level(self, up: UpStream, packet: bytes) -> None:
        if up.level_ident:
            up.loudest = loudest(up.loudest, packet, len(packet), up.level_ident)

    def _take_plain(self, lane: Lane, packet: bytes, now: float) -> None:
        first, marker_pt, seq, ts, ssrc = HEADER.unpack_from(packet)
        up = lane.ups.get(ssrc)
        if up is None or marker_pt & 0x7F not in (up.pt, up.red_pt):
            self._take_slow(lane, packet, ssrc, now)
        else:
            self._note_level(up, packet)
            self._take(up, packet, first, marker_pt, seq, ts, now)

    def on_rtcp(self, lane: Lane, received: SrtpBuffer, now: float) -> None:
        """One SRTCP packet of a lane, which is opened in place."""
        if lane.rx is None:
            self.dropped["no_keys"] += 1
            return
        if self._unseal_rtcp(lane.rx, received.c, received.length):
            self.dropped["bad_auth"] += 1
            return
        lane.heard = now
        lane.budget -= 1
        if lane.budget < 0:
            self.dropped["flood"] += 1
            return
        lane.owner.on_feedback(bytes(received.view[: received.length[0]]), now)

    def _take_slow(self, lane: Lane, packet: bytes, ssrc: int, now: float) -> None:
        """RTX, or an SSRC or codec seen for the first time: the owner may know it by its mid."""
        repaired = lane.repairs.get(ssrc)
        if repaired is not None:
            self._take_repair(repaired, packet, now)
            return
        up = lane.owner.on_unknown(packet, ssrc, now)
        if up is None:
            self.dropped["unknown_ssrc"] += 1
        elif ssrc == up.ssrc:
            first, marker_pt, seq, ts, _ = HEADER.unpack_from(packet)
            self._take(up, packet, first, marker_pt, seq, ts, now)
        else:
            self._take_repair(up, packet, now)

    def _take_repair(self, up: UpStream, packet: bytes, now: float) -> None:
        try:
            original = unwrap_rtx(packet, len(packet), up.ssrc, up.pt)
        except RtpError:
            self.dropped["rtp_malformed"] += 1
            return
        if original is None or up.last_seq < 0:  # a probe, or a repair of what we never missed
            return
        first, marker_pt, seq, ts, _ = HEADER.unpack_from(original)
        self._take(up, original, first, marker_pt, seq, ts, now, repair=True)

    def _take(
        self,
        up: UpStream,
        packet: bytes,
        first: int,
        marker_pt: int,
        seq: int,
        ts: int,
        now: float,
        start: int = 0,
        repair: bool = False,
    ) -> None:
        """Account one plain packet, keep it, record it, and send it down. `start` of its payload; 0: not known yet."""
        size = len(packet)
        self.packets_in += 1
        ext = up.loss.receive(seq, now)
        if ext < 0:
            if up.tap is None or not up.tap.late(packet, now):
                self.dropped["duplicate"] += 1
            return
        if seq != (up.last_seq + 1) & 0xFFFF:
            self._on_gap(up)
        if not repair:
            up.last_seq = seq
            up.reception.receive(ext, ts, now)
        up.last_at = now
        up.octets += size
        if up.paused:
            return
        if size > MAX_PLAIN:
            self.dropped["too_long"] += 1
            return
        if not start:
            try:
                start = payload_start(packet, size) if first & 0x1F else FIXED_HEADER
            except RtpError:
                self.dropped["rtp_malformed"] += 1
                return
        up.cache.store(ext, packet, now)
        if up.keys.wanted:
            self._forward()
            self._look_for_key_frame(up, packet, start, ext)
        if up.tap is not None:
            up.tap.packet(packet, now)
        if up.downs:
            abs_time = int(now * 262144.0) & 0xFFFFFF
            self._spread(up, (packet[start:], first & PADDING_BIT | VERSION_2, marker_pt, ext, ts, now, abs_time))

    # --- lanes and streams ------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop, port: Gate) -> None:
        port.start(loop, self.on_rtp, self.on_rtcp, self.flush)

    def use_addresses(self, lanes: Mapping[Address, Lane]) -> None:
        """The port looks lanes up itself."""
        self._outbox.forget_all_but(lanes)

    def close(self) -> None:
        """Nothing to do: the port reads."""

    def new_lane(self, owner: LaneOwner, rtcp_ssrc: int, now: float) -> Lane:
        return Lane(owner, rtcp_ssrc, now)

    def new_up(
        self, handle: int, lane: Lane, kind: Kind, codec: str, clock_rate: int, ssrc: int, *, nack: bool
    ) -> UpStream:
        return UpStream(handle, lane, kind, codec, clock_rate, ssrc, nack=nack)

    def new_down(self, lane: Lane, kind: Kind, clock_rate: int, ssrc: int, first_seq: int, first_ts: int) -> DownStream:
        return DownStream(lane, kind, clock_rate, ssrc, first_seq, first_ts)

    def open_lane(self, lane: Lane, sessions: SrtpSessions) -> None:
        lane.sessions = sessions
        lane.rx, lane.tx = sessions.rx, sessions.tx
        self._open[lane] = None

    def close_lane(self, lane: Lane) -> None:
        self._open.pop(lane, None)
        self._outbox.odd = True  # nothing more goes to him
        lane.rx = lane.tx = None
        lane.sessions = None

    # --- retransmission and RTCP ------------------------------------------------------------------------------------

    def retransmit(self, down: DownStream, seqs: Sequence[int], now: float) -> int:
        if not down.rtx_pt or down.lane.tx is None:
            return 0
        down.rtx_tokens = min(RTX_AT_ONCE, down.rtx_tokens + (now - down.rtx_at) * RTX_PER_S)
        down.rtx_at = now
        allowed = itertools.islice(seqs, int(down.rtx_tokens))
        sent = sum(self._retransmit_one(down, seq, now) for seq in allowed)
        down.rtx_tokens -= sent
        return sent

    def _retransmit_one(self, down: DownStream, out_seq: int, now: float) -> bool:
        """One packet on the RTX stream's own SSRC and numbers: never the same number twice with other bytes."""
        origin = down.map.origin(out_seq)
        up = down.up
        # What the slot showed before is of no use there now, and after a move it belongs to another room.
        if origin is None or up is None or origin.source != up.handle or up.paused or origin.ext < down.begun_at:
            return False
        packet = up.cache.get(origin.ext, now)
        if packet is None:
            return False
        size = write_repair(self._out.data, down, packet, out_seq, origin.ts_delta)
        down.rtx_seq = down.rtx_seq + 1 & 0xFFFF
        down.sent_rtx += 1
        return self._protect_and_send(down.lane, size, self._seal)

    def send_rtcp(self, lane: Lane, compound: bytes) -> bool:
        size = len(compound)
        if lane.tx is None or lane.address is NOWHERE or size > MAX_PACKET - TRAILER:
            return False
        self._out.data[:size] = compound
        return self._protect_and_send(lane, size, self._seal_rtcp)

    def tell_arrivals(self, step: int = 0, steps: int = 1) -> None:
        for lane in itertools.islice(self._open, step, None, steps):
            if lane.count_ident:
                self._tell_arrivals_of(lane)

    def _tell_arrivals_of(self, lane: Lane) -> None:
        about = next(iter(lane.ups), 0)
        for body in lane.arrivals.take():  # each by itself: of several in one datagram a browser takes the last
            self.send_rtcp(lane, write_compound([TransportFeedback(lane.rtcp_ssrc, about, body)]))

    def _protect_and_send(self, lane: Lane, size: int, seal: Callable[..., int]) -> bool:
        out = self._out
        out.length[0] = size
        if seal(lane.tx, out.c, out.length):
            self.dropped["protect_failed"] += 1
            return False
        try:
            self._sendto(out.view[: out.length[0]], lane.address)
        except OSError:
            self.dropped["send_full"] += 1
            return False
        return True
