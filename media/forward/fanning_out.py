"""One packet in, many out: what came of a stream is written, sealed and sent for everybody who gets it.

The packets of a picture come together, so they are done together, one subscriber after the other: what is known of him is looked up
once for all of them, and is near in memory. Nothing that belongs to the stream may change while they wait: whoever changes it
lets them out first.
"""

from __future__ import annotations

import socket
from abc import ABC
from collections import Counter
from typing import Final

from media.core.picture_ids import shift_numbers
from media.core.red import BadRed, RecentVoice, voice_for
from media.core.rtp import EXTENSION_BIT, FIXED_HEADER, HEADER, HEADER_ABS, HEADER_ABS_SIZE
from media.core.seqmap import NOTHING
from media.forward.catching_up import CatchingUp
from media.forward.outbox import Outbox
from media.forward.parcel import SEGMENTS
from media.forward.path import DownStream, UpStream, Watcher

# Packets of a stream that wait for each other at most. A picture has five.
LONGEST_RUN: Final = 16
_ONE_WORD: Final = 0xBEDE0001
pack, pack_abs = HEADER.pack_into, HEADER_ABS.pack_into
# Payload, version and padding bits, marker and payload type, extended number, timestamp, when it came, the same as abs-send-time.
Came = tuple[bytes, int, int, int, int, float, int]


class FanningOut(CatchingUp, ABC):
    """The part of a packet path that does it."""

    dropped: Counter[str]

    def __init__(self, port: socket.socket, watcher: Watcher, *, cuts: bool) -> None:
        super().__init__(watcher)
        self._outbox = Outbox(port, cuts, self._refused, many=cuts)
        self._run: list[Came] = []
        self._running: UpStream | None = None  # whose it is
        self._longest = LONGEST_RUN if cuts else 1

    def _spread(self, up: UpStream, came: Came) -> None:
        """To everybody who gets `up`, when the batch is over or sooner."""
        if self._run and up is not self._running:
            self._forward()
        if up.kind == "audio":  # what voices are made of is told once for each packet, so they go one by one
            self._fan_out(up, [came])
        else:
            self._running = up
            self._run.append(came)
            if len(self._run) == self._longest:
                self._forward()

    def flush(self) -> None:
        """The batch is over: what it left to send goes now."""
        self._forward()
        self._outbox.flush()

    def _forward(self) -> None:
        """Let out what waits."""
        run, up = self._run, self._running
        if run and up is not None:
            self._run = []
            self._fan_out(up, run)

    def _fan_out(self, up: UpStream, run: list[Came]) -> None:
        outbox, downs, sent = self._outbox, up.downs, 0
        most = outbox.places - len(run)
        for down in downs:
            if outbox.count > most:
                outbox.flush()
            if downs is up.downs or down in up.downs:  # not cut by now
                sent += self._send_down(up, down, run)
        self.packets_out += sent
        if outbox.count == outbox.places:
            outbox.flush()

    def connect(self, up: UpStream, down: DownStream) -> None:
        self._forward()
        super().connect(up, down)

    def catch_up(self, up: UpStream, down: DownStream, since: float, now: float) -> bool:
        self._forward()
        return super().catch_up(up, down, since, now)

    def _cut(self, up: UpStream, down: DownStream) -> None:
        self._forward()
        super()._cut(up, down)

    def _send_down(self, up: UpStream, down: DownStream, run: list[Came]) -> int:
        lane, names, seqmap, outbox = down.lane, down.pt, down.map, self._outbox
        tx, abs_base, shift, is_voice, seal = lane.tx, down.abs_base, down.shift, up.kind == "audio", self._seal
        start, ssrc = HEADER_ABS_SIZE if abs_base else FIXED_HEADER, down.ssrc
        parcel, slots = outbox.open.get(lane), outbox.slots
        packets = octets = 0
        for body, first, marker_pt, ext, ts, now, abs_time in run:
            out_pt = names[marker_pt]
            if not out_pt:
                continue
            if ext > seqmap.highest:
                seqmap.highest, seqmap.last_ts, seqmap.last_now = ext, ts, now
                out_seq, out_ts = ext + seqmap.seq_delta & 0xFFFF, ts + seqmap.ts_delta & 0xFFFFFFFF
            else:
                packed = NOTHING if ext < down.begun_at else seqmap.forward_slow(ext, ts, now)
                if packed < 0:
                    continue
                out_seq, out_ts = packed >> 32, packed & 0xFFFFFFFF
            sent = body
            if is_voice and (down.depth or (marker_pt & 0x7F == up.red_pt and out_pt & 0x7F != down.red_pt)):
                made = self._voice_for(down, up, body, ts, red=marker_pt & 0x7F == up.red_pt)
                if made is None:
                    continue
                sent = made
                out_pt = out_pt & 0x80 | down.red_pt if down.depth else out_pt
            size = len(sent)
            end = start + size
            if parcel is None or ((end != parcel.size or parcel.count == SEGMENTS) and not parcel.takes(end)):
                parcel = outbox.begin(lane, end)
            number, out = parcel.count, slots[outbox.count]
            length = parcel.lengths[number] if number < len(parcel.lengths) else parcel.grow()
            data = out.data
            if abs_base:
                pack_abs(data, 0, first | EXTENSION_BIT, out_pt, out_seq, out_ts, ssrc, _ONE_WORD, abs_base | abs_time)
            else:
                pack(data, 0, first, out_pt, out_seq, out_ts, ssrc)
            data[start:end] = sent
            if shift:
                shift_numbers(data, start, end, shift)
            length[0] = end
            if seal(tx, out.c, length):
                self.dropped["protect_failed"] += 1
                continue
            parcel.pieces[number << 1] = out.at
            parcel.count = number + 1
            parcel.taken.append((down, size, out))
            outbox.count += 1
            packets += 1
            octets += size
        down.packets += packets
        down.octets += octets
        return packets

    def _voice_for(self, down: DownStream, up: UpStream, body: bytes, ts: int, *, red: bool) -> bytes | None:
        """A packet of voice that does not go as it came; None if it is none."""
        try:
            if down.depth:
                up.recent = up.recent or RecentVoice()
                up.recent.take(body, ts, red=red)
            return voice_for(body, ts, up.recent, down.depth, down.block_pt, red=red)
        except BadRed:
            self.dropped["rtp_malformed"] += 1
            return None

    def _refused(self, down: DownStream, body: int, refusal: OSError) -> None:
        down.packets -= 1
        down.octets -= body
        self.packets_out -= 1
        if isinstance(refusal, BlockingIOError):
            self.dropped["send_full"] += 1
            self._congested(down)
        else:
            self.dropped["send_failed"] += 1
