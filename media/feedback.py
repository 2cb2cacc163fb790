"""The feedback lane of a worker: everything that RTCP brings, and everything that we say by RTCP.

    in     NACK -> retransmit; PLI, FIR -> ask the publisher, throttled; SR -> clocks; RR -> loss and round trip of a subscriber;
           REMB -> his estimate
    out    NACK by timer; PLI; ten times a second what came (transport-cc); once a second and peer: sender reports, receiver reports, the bandwidth we grant (REMB)

What a subscriber's browser believes of its line (REMB, loss) goes into his estimate (adapting.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from media.adapting import Adapting
from media.core.echo import ECHO_AFTER_S, Echo
from media.core.line_loss import LineLoss
from media.core.packetcache import MAX_AGE_S
from media.core.quality import SeatQuality
from media.core.red import NO_PT
from media.core.reports import PublisherClock, WorkerClock, make_sender_report, round_trip_s
from media.core.rtcp import (
    BandwidthEstimate,
    FullIntra,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    parse_compound,
    write_compound,
)
from media.core.seqno import SEQ_MASK
from media.core.up_line import FORGIVEN_BPS
from media.forward.path import PACKETS_PER_REPORT, DownStream, ForwardPath, Lane, UpStream
from media.picture_ends import PictureEnds
from media.spreading import Spreading
from media.uplines import look_at_line, told_sooner_s

# How often losses are looked at while there are any: a fraction of the shortest round trip.
LOSS_TICK_S: Final = 0.01
# What a person may send as picture, whatever his line would take: a good 720p face.
GRANTED_BPS: Final = 1_500_000
# How often it is looked what of a lossy line's pictures goes once more.
ECHO_TICK_S: Final = 0.02
# So long his pictures are kept for repairs: of five rounds at 30 % loss and 200 ms one in a hundred is in vain, of eight none.
LOSSY_AGE_S: Final = 2.5
# From so much loss on a narrow line is a lossy one first, and voice goes several times.
LOSES: Final = 0.1
# A report about fewer packets says nothing about a line: one lost of five is no fifth.
LOSS_SAMPLE: Final = 20
# So many numbers of a NACK are looked at for whether they can come at all; it may hold thousands.
LOOKED_AT: Final = 32
# A sender report is 28 bytes and its CNAME chunk at most 28: so many fit a datagram with the report blocks in front.
REPORTS_PER_DATAGRAM: Final = 16


class Party(Protocol):
    """A peer, as the feedback lane sees it."""

    @property
    def lane(self) -> Lane: ...

    @property
    def cname(self) -> str: ...

    @property
    def clock(self) -> PublisherClock: ...

    @property
    def quality(self) -> SeatQuality: ...

    @property
    def adapting(self) -> Adapting: ...

    @property
    def line_loss(self) -> LineLoss: ...

    @property
    def downs(self) -> dict[int, DownStream]: ...

    @property
    def ups(self) -> Sequence[UpStream]: ...

    @property
    def pictures(self) -> int:
        """How many lines of his send video."""
        ...


class Feedback:
    """One per worker. `path` must be set before the first packet (path and feedback know each other)."""

    path: ForwardPath

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: WorkerClock) -> None:
        self._loop = loop
        self._clock = clock
        self._lossy: dict[UpStream, None] = {}
        self._wanting: dict[UpStream, None] = {}
        self._incomplete: dict[UpStream, None] = {}  # recorded streams with packets missing
        self._timer: asyncio.TimerHandle | None = None
        self._spreading = Spreading(loop)
        self._picture_ends = PictureEnds(loop)
        self._echoes: dict[DownStream, list[Echo]] = {}  # of lossy lines
        self._echo_timer: asyncio.TimerHandle | None = None
        self._readers: dict[type, Callable[[Party, Packet, float], None]] = {
            Nack: self._on_nack,
            PictureLoss: self._on_picture_loss,
            FullIntra: self._on_full_intra,
            SenderReport: self._on_sender_report,
            ReceiverReport: self._on_receiver_report,
            BandwidthEstimate: self._on_belief,
        }

    # --- in ---------------------------------------------------------------------------------------------------------

    def receive(self, party: Party, compound: bytes, now: float) -> None:
        """One authentic compound packet of a peer."""
        try:
            packets = parse_compound(compound)
        except RtcpError:
            self.path.dropped["rtcp_malformed"] += 1
            return
        for packet in packets:
            reader = self._readers.get(type(packet))
            if reader is not None:
                reader(party, packet, now)

    def _on_nack(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, Nack)
        down = party.downs.get(packet.media_ssrc)
        if down is not None:
            adapting = party.adapting
            seqs = adapting.worth_repairing(down, packet.seqs, party.quality.rtt_s, now)
            if not self._spreading.takes(adapting, seqs):
                self._repair(adapting, down, seqs, now)
            elif self._spreading.put(adapting, down, seqs, partial(self._repair, adapting), now):
                self._restart(adapting, down, now)

    def _repair(self, adapting: Adapting, down: DownStream, seqs: Sequence[int], now: float) -> None:
        if self.path.retransmit(down, seqs, now) < len(seqs) and is_past_repair(down, seqs, now):
            self._restart(adapting, down, now)

    def _restart(self, adapting: Adapting, down: DownStream, now: float) -> None:
        if adapting.may_restart(now):
            self._ask_for(down, now)

    def _on_picture_loss(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, PictureLoss)
        self._ask_for(party.downs.get(packet.media_ssrc), now)

    def _on_full_intra(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, FullIntra)
        for ssrc, _number in packet.requests:
            self._ask_for(party.downs.get(ssrc), now)

    def _ask_for(self, down: DownStream | None, now: float) -> None:
        if down is not None and down.up is not None:
            self.ask_key_frame(down.up, now)

    def _on_sender_report(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, SenderReport)
        up = party.lane.ups.get(packet.ssrc)
        if up is not None:
            up.reception.note_sender_report(packet.ntp, now)
            up.clock.learn(packet.rtp_ts, party.clock.learn(packet.ntp, now))
            if up.tap is not None and not up.paused:
                up.tap.report(packet.ntp, packet.rtp_ts, packet.packet_count, packet.octet_count, now)
        self._note_blocks(party, packet.blocks, now)

    def _on_receiver_report(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, ReceiverReport)
        self._note_blocks(party, packet.blocks, now)

    def _on_belief(self, party: Party, packet: Packet, now: float) -> None:
        assert isinstance(packet, BandwidthEstimate)
        party.adapting.estimate.note_belief(packet.bitrate_bps, now)

    def _note_blocks(self, party: Party, blocks: Sequence[ReportBlock], now: float) -> None:
        expected = lost = 0
        ups = party.ups if blocks else ()
        for block in blocks:
            if block.ssrc in party.downs:
                rtt_s = round_trip_s(block, self._clock, now)
                told = party.quality.note_report(block, rtt_s)
                expected, lost = expected + told[0], lost + _lost_of_ours(party, party.downs[block.ssrc], told[1])
                party.adapting.note_report(party.downs[block.ssrc], *told, rtt_s, now)
                if rtt_s is not None:
                    for up in ups:
                        up.loss.measure_rtt(rtt_s)
                        up.keys.measure_rtt(rtt_s)
        if expected >= LOSS_SAMPLE:
            party.adapting.estimate.note_loss(lost / expected, now)
        if expected:
            party.line_loss.note(expected, lost, now)
            self._repeat(party, now)

    def _repeat(self, party: Party, now: float) -> None:
        """On a line that loses by chance everything goes several times; on a full one it would be lost the more."""
        estimate = party.adapting.estimate
        lossy = party.line_loss.share >= LOSES and not estimate.waits(now) and not estimate.is_measured(now)
        tight = party.adapting.is_tight(now) and not lossy
        depth = 0 if tight or estimate.is_full(now) else party.line_loss.depth
        for down in party.downs.values():
            if down.kind == "video":
                self._echo(down, depth - 1)
            elif down.red_pt != NO_PT:
                _say_once(down, tight)
                if down.depth != depth:
                    down.depth = depth

    def _echo(self, down: DownStream, copies: int) -> None:
        """Send each packet of a picture so many times more, a little later."""
        if copies <= 0 or down.up is None or not down.rtx_ssrc:
            self._echoes.pop(down, None)
        elif len(self._echoes.get(down, ())) != copies:
            self._echoes[down] = [Echo(after_s) for after_s in ECHO_AFTER_S[:copies]]
            if self._echo_timer is None:
                self._echo_timer = self._loop.call_later(ECHO_TICK_S, self._on_echo_timer)

    def _on_echo_timer(self) -> None:
        now = time.monotonic()
        for down, echoes in list(self._echoes.items()):
            if down.up is None or down.lane.tx is None:
                del self._echoes[down]
            elif down.map.open and not down.up.paused:
                delta = down.map.seq_delta
                numbers = [ext + delta & SEQ_MASK for echo in echoes for ext in echo.due(down.map.highest, delta, now)]
                self.path.retransmit(down, numbers, now)
        self._echo_timer = self._loop.call_later(ECHO_TICK_S, self._on_echo_timer) if self._echoes else None

    # --- key frames and losses --------------------------------------------------------------------------------------

    def on_key_wanted(self, up: UpStream, first_picture: bool) -> None:
        self.ask_key_frame(up, time.monotonic(), first_picture)

    def ask_key_frame(self, up: UpStream, now: float, first_picture: bool = False) -> None:
        """A PLI now, or as soon as the last one is old enough; again until a key frame has come."""
        if up.kind != "video":
            return
        if up.keys.ask(now, first_picture):
            self._send_pli(up)
        self._wanting[up] = None

    def _send_pli(self, up: UpStream) -> None:
        self.path.send_rtcp(up.lane, write_compound([PictureLoss(up.lane.rtcp_ssrc, up.ssrc)]))

    def on_gap(self, up: UpStream) -> None:
        """Look at the losses of `up` each LOSS_TICK_S until it has none."""
        if up.tap is not None:
            self._incomplete[up] = None
        if up.nack:
            self._lossy[up] = None
            if self._timer is None:
                self._timer = self._loop.call_later(LOSS_TICK_S, self._on_loss_timer)

    def _on_loss_timer(self) -> None:
        self._timer = None
        now = time.monotonic()
        for up in list(self._lossy):
            self._ask_again(up, now)
        if self._lossy:
            self._timer = self._loop.call_later(LOSS_TICK_S, self._on_loss_timer)

    def _ask_again(self, up: UpStream, now: float) -> None:
        seqs = up.loss.due(now)
        if seqs and not up.paused:
            own = up.lane.rtcp_ssrc
            self.path.send_rtcp(up.lane, write_compound([Nack(own, up.ssrc, tuple(seqs))]))
        if up.loss.key_frame_wanted:
            up.loss.key_frame_wanted = False
            if up.downs or up.waiting:
                self.ask_key_frame(up, now)
        if not up.loss.waiting:
            self._lossy.pop(up, None)

    def tick(self, now: float) -> None:
        """Ten times a second: key frames asked for too soon, or that never came; what recordings miss."""
        for up in list(self._incomplete):
            self._complete(up, now)
        for up in list(self._wanting):
            if not up.keys.wanted or up.paused:
                del self._wanting[up]
            elif up.keys.due(now):
                self._send_pli(up)

    def _complete(self, up: UpStream, now: float) -> None:
        """Ask for the recording's sake, longer than any subscriber could wait."""
        tap = up.tap
        if tap is None or not tap.waiting:
            del self._incomplete[up]
            return
        seqs = tap.look_after(now)
        if seqs and up.nack and not up.paused:
            self.path.send_rtcp(up.lane, write_compound([Nack(up.lane.rtcp_ssrc, up.ssrc, tuple(seqs))]))

    def forget(self, up: UpStream) -> None:
        """The stream is gone."""
        self._incomplete.pop(up, None)
        self._lossy.pop(up, None)
        self._wanting.pop(up, None)

    # --- once a second ----------------------------------------------------------------------------------------------

    def report(self, party: Party, now: float) -> None:
        """Tell one connected peer what we received from it and what we sent to it."""
        look_at_line(party, self.path, now)
        self._picture_ends.attend(self.path, party.lane, party.ups, now)
        self._repeat(party, now)
        for compound in self._compounds(party, now):
            self.path.send_rtcp(party.lane, compound)
        party.lane.budget = PACKETS_PER_REPORT
        for up in party.ups:
            lossy = self._echoes and any(down in self._echoes for down in up.downs)
            up.cache.max_age_s = LOSSY_AGE_S if lossy else MAX_AGE_S
            up.cache.forget(now)

    def _compounds(self, party: Party, now: float) -> Iterator[bytes]:
        ups = party.ups
        sooner_s = told_sooner_s(party)
        blocks = tuple(block for up in ups if (block := up.reception.report(now, sooner_s)) is not None)
        sent = [report for down in party.downs.values() if (report := self._sender_report(down, now)) is not None]
        video = tuple(up.ssrc for up in ups if up.kind == "video")
        own = party.lane.rtcp_ssrc
        most = party.adapting.granted_bps or GRANTED_BPS * party.pictures
        if party.lane.arrivals.line.by_chance:
            most = min(most, FORGIVEN_BPS * party.pictures)
        granted = [BandwidthEstimate(own, most, video)] if video else []
        first = sent[:REPORTS_PER_DATAGRAM]
        names = ((own, party.cname), *((report.ssrc, party.cname) for report in first))
        yield write_compound([ReceiverReport(own, blocks), *first, SourceDescription(names), *granted])
        for start in range(REPORTS_PER_DATAGRAM, len(sent), REPORTS_PER_DATAGRAM):
            chunk = sent[start : start + REPORTS_PER_DATAGRAM]
            names = tuple((report.ssrc, party.cname) for report in chunk)
            yield write_compound([*chunk, SourceDescription(names)])

    def _sender_report(self, down: DownStream, now: float) -> SenderReport | None:
        up = down.up
        if up is None or up.paused or not down.map.open or not down.packets:
            return None
        return make_sender_report(down.ssrc, up.clock, down.map.ts_delta, down.packets, down.octets, self._clock, now)


def is_past_repair(down: DownStream, seqs: Sequence[int], now: float) -> bool:
    """Whether a packet that he misses will never come: a browser waits three seconds for it before it asks for a key frame.

    After a dead line of six seconds it names hundreds. What we miss ourselves is asked for, and may yet come.
    """
    up = down.up
    if down.kind != "video" or up is None:
        return False
    origins = (down.map.origin(seq) for seq in seqs[:LOOKED_AT])
    return any(
        origin is not None
        and origin.source == up.handle
        and origin.ext >= down.begun_at
        and up.cache.get(origin.ext, now) is None
        and not up.loss.waits_for(origin.ext & SEQ_MASK)
        for origin in origins
    )


def _say_once(down: DownStream, once: bool) -> None:
    """Send of RED its last block alone, or all of it again. Not where his Opus has another number than the blocks say."""
    up = down.up
    if up is None or up.red_pt == NO_PT or down.pt[up.pt] != up.pt:
        return
    wanted = down.block_pt if once else down.red_pt
    if down.pt[up.red_pt] != wanted:
        table = bytearray(down.pt)
        table[up.red_pt], table[up.red_pt | 0x80] = wanted, wanted | 0x80
        down.pt = bytes(table)


def _lost_of_ours(party: Party, down: DownStream, lost: int) -> int:
    """Of packets that a report calls lost those that had come to us."""
    up = down.up
    if up is None:
        return lost
    return party.line_loss.of_ours(down.ssrc, lost, up.handle, up.reception.lost()[1] - up.loss.repaired)
