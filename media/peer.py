"""One browser's connection: its SDP facts, its ICE credentials and DTLS, its lane on the port, its streams.

A peer knows nothing of rooms. What happens to it, it tells its listener; what it shall be sent, the room says.

    connecting -> connected <-> reconnecting -> gone         (media/CONTROL.md, peer_state)
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Literal, Protocol

from media.adapting import Adapting
from media.core.line_loss import LineLoss
from media.core.quality import Quality, SeatQuality, Totals
from media.core.red import NO_PT
from media.core.reports import PublisherClock
from media.core.rtp import ABS_SEND_TIME, MID, REPAIRED_RID, RID, TRANSPORT_CC, abs_send_time_word, read_text_extension
from media.engine import Engine
from media.forward.path import NOWHERE, DownStream, UpStream
from media.measuring import Measured
from media.net.answer import OPUS, RED, VIDEO_CODECS, Negotiated, OwnSide, Role, make_answer
from media.net.dtls import DtlsFailed, DtlsPeer, WrongCertificate
from media.net.ice_lite import Address, Credentials, new_credentials
from media.net.limits import Budget
from media.net.sdp import Fingerprint, Offer, SdpError, parse_offer

log = logging.getLogger(__name__)

# RTCP is read in Python, and one datagram may name thousands of lost packets: so many bytes a second, however the peer cuts them.
# A browser on a line that loses a third, with twelve people on its screen, says a quarter of it.
RTCP_BYTES_PER_S = 48_000
RTCP_BYTES_AT_ONCE = 96_000
RTCP_LEAST = 64  # what the smallest costs
# A handshake is a dozen datagrams and their repeats; afterwards there is only the good-bye.
DTLS_PER_S = 20
DTLS_AT_ONCE = 60
# A stream that changes its SSRC or codec costs everybody a key frame and the journal an entry: not for every packet.
CHANGE_EVERY_S = 0.5
Cause = Literal["left", "replaced", "removed", "consent", "dtls", "certificate", "room_closed"]


class Phase(Enum):
    CONNECTING = "connecting"  # answered, no media path yet
    CONNECTED = "connected"  # DTLS is up and something valid came lately
    RECONNECTING = "reconnecting"  # DTLS is up, but nothing valid came for a while
    GONE = "gone"  # over; nothing is sent any more


class Listener(Protocol):
    """The seat that the peer belongs to."""

    def on_phase(self, phase: Phase, cause: Cause | None, now: float) -> None: ...

    def on_up_started(self, up: UpStream, line: Negotiated, now: float) -> None: ...

    def on_up_ended(self, up: UpStream, line: Negotiated) -> None: ...

    def on_key_frame(self, up: UpStream) -> None: ...

    def on_reached(self, now: float) -> None:
        """The first valid check came; he has keys in two round trips."""
        ...


class Peer:
    """See the module. All calls from the worker's loop; `close` may be called in any phase."""

    def __init__(self, engine: Engine, listener: Listener, now: float) -> None:
        self.phase = Phase.CONNECTING
        self.cname = secrets.token_hex(8)
        self.clock = PublisherClock()
        self.quality = SeatQuality(now)
        self.adapting = Adapting(now)
        self.line_loss = LineLoss(now)
        self.lane = engine.path.new_lane(self, engine.new_ssrc(), now)
        self.lines: tuple[Negotiated, ...] = ()
        self.ups_by_mid: dict[str, dict[str, UpStream]] = {}  # the layers by rid; "" without simulcast
        self.downs_by_mid: dict[str, DownStream] = {}
        self.downs: dict[int, DownStream] = {}  # by our ssrc
        self._engine = engine
        self._listener = listener
        self._ways: list[Measured] = []  # by each of the credentials that are valid, the newest last
        self._offer: Offer | None = None
        self._session_id = secrets.randbits(62)
        self._version = 0
        self._dtls: DtlsPeer | None = None
        self._rtcp_budget = Budget(RTCP_BYTES_PER_S, RTCP_BYTES_AT_ONCE, now)
        self._dtls_budget = Budget(DTLS_PER_S, DTLS_AT_ONCE, now)
        self._retired = Totals(0, 0, 0, 0)
        self._change_from: dict[tuple[str, str], float] = {}  # mid, rid -> when the stream may change again

    @property
    def ups(self) -> list[UpStream]:
        return [up for layers in self.ups_by_mid.values() for up in layers.values()]

    @property
    def pictures(self) -> int:
        """How many lines send video, whatever their layers."""
        return sum(line.kind == "video" and line.mid in self.ups_by_mid for line in self.lines)

    def layers_of(self, line: Negotiated) -> list[UpStream]:
        """What has begun of an up line, from the smallest layer to the largest; one stream without simulcast."""
        there = self.ups_by_mid.get(line.mid, {})
        return [there[rid] for rid in line.rids or ("",) if rid in there]

    # --- negotiation ------------------------------------------------------------------------------------------------

    def answer(self, text: str, sources: Mapping[str, str], now: float, pictures: Sequence[str] = VIDEO_CODECS) -> str:
        """Answer an offer, the first one or a later one (more slots, other sources, ICE restart).

        Raises   SdpError; then nothing has changed.
        """
        offer = parse_offer(text)
        self._check_same_browser(offer)
        fresh: list[int] = []

        def new_ssrc() -> int:
            fresh.append(self._engine.new_ssrc())
            return fresh[-1]

        credentials = self._credentials_for(offer)
        try:
            answer = make_answer(offer, sources, self._own_side(credentials), new_ssrc, self.lines, pictures)
        except SdpError:
            self._engine.return_ssrcs(*fresh)
            raise
        self._engine.return_ssrcs(*(ssrc for ssrc in fresh if not _uses(answer.lines, ssrc)))
        self._offer = offer
        self._version += 1
        self._use_credentials(credentials, offer)
        self._use_lines(answer.lines)
        return answer.sdp

    def _check_same_browser(self, offer: Offer) -> None:
        before = self._offer
        if before is not None and before.transport.fingerprints != offer.transport.fingerprints:
            raise SdpError("offer: another certificate; a new connection needs a higher connection number")

    def _credentials_for(self, offer: Offer) -> Credentials:
        """An ICE restart is a new ufrag on their side: answered with a new one on ours (RFC 8445 §9)."""
        if self._offer is not None and offer.transport.ufrag == self._offer.transport.ufrag:
            return self._ways[-1].ours
        return new_credentials()

    def _use_credentials(self, ours: Credentials, offer: Offer) -> None:
        """The ones before the last restart stay valid, so that media flows until the new pair is nominated."""
        if any(way.ours == ours for way in self._ways):
            return
        self._ways.append(Measured(self.lane, ours, offer.transport, self.adapting.note_width))
        self._engine.admit(ours, self)
        while len(self._ways) > 2:
            self._engine.forget(self._ways.pop(0).ours)

    def _own_side(self, credentials: Credentials) -> OwnSide:
        certificate = Fingerprint("sha-256", self._engine.certificate.sha256)
        ufrag, pwd, candidates = credentials.ufrag, credentials.pwd, self._engine.candidates
        return OwnSide(ufrag, pwd, certificate, candidates, self.cname, self._session_id, self._version + 1)

    def _use_lines(self, lines: tuple[Negotiated, ...]) -> None:
        """Up streams that the offer no longer has end here; down streams keep their numbers."""
        by_mid = {line.mid: line for line in lines}
        before = {line.mid: line for line in self.lines}
        for mid in list(self.ups_by_mid):
            line = by_mid.get(mid)
            if line is None or line.role is not Role.UP or _sends(line) != _sends(before[mid]):
                self._end_line(before[mid])
        for mid in [mid for mid in self.downs_by_mid if mid not in by_mid or by_mid[mid].role is not Role.DOWN]:
            self._end_down(mid)
        for line in lines:
            if line.role is Role.DOWN and line.mid not in self.downs_by_mid:
                self._add_down(line)
        self.lines = lines
        counted = (line.extensions.get(TRANSPORT_CC, 0) for line in lines if line.role is Role.UP)
        self.lane.count_ident = next((ident for ident in counted if ident), 0)

    def _add_down(self, line: Negotiated) -> None:
        first_seq, first_ts = secrets.randbits(15), secrets.randbits(32)
        kind: Literal["audio", "video"] = "audio" if line.kind == "audio" else "video"
        down = self._engine.path.new_down(self.lane, kind, line.clock_rate, line.ssrc, first_seq, first_ts)
        if ABS_SEND_TIME in line.extensions:
            down.abs_base = abs_send_time_word(line.extensions[ABS_SEND_TIME], 0.0)
        down.rtx_ssrc = line.rtx_ssrc
        down.red_pt, down.block_pt = line.pts.get(RED, NO_PT), line.pts.get(OPUS, 0)
        self.downs_by_mid[line.mid] = down
        self.downs[down.ssrc] = down

    def _end_down(self, mid: str) -> None:
        down = self.downs_by_mid.pop(mid)
        self._engine.path.disconnect(down)
        self._retired = _plus(self._retired, Totals(0, 0, 0, down.octets))
        self.quality.forget_stream(down.ssrc)
        del self.downs[down.ssrc]
        self._engine.return_ssrcs(down.ssrc, down.rtx_ssrc)

    def _end_line(self, line: Negotiated) -> None:
        for up in self.layers_of(line):
            self._end_up(up, line)

    def _end_up(self, up: UpStream, line: Negotiated) -> None:
        del self.ups_by_mid[line.mid][up.rid]
        if not self.ups_by_mid[line.mid]:
            del self.ups_by_mid[line.mid]
        if up.tap is not None:
            up.tap.end()
        self._engine.path.remove_up(up)
        self._engine.feedback.forget(up)
        expected, lost = up.reception.lost()
        self._retired = _plus(self._retired, Totals(expected, lost, up.octets, 0))
        self._listener.on_up_ended(up, line)

    # --- the port ---------------------------------------------------------------------------------------------------

    def on_check(self, source: Address, ufrag: str, nominates: bool, now: float) -> None:
        """A valid connectivity check came from `source`, by our `ufrag`.

        The first one opens the lane, because a browser sends its ClientHello before it nominates and would repeat it only
        50 ms later; from then on nominations alone move it. A connection must be nominated: where UDP works, it is not meant.
        """
        if self.phase is Phase.GONE:
            return
        if source != self.lane.address and (nominates or (self.lane.address is NOWHERE and len(source) != 3)):
            self._engine.use_address(self.lane, source, now)
        if source == self.lane.address:
            self._heard(now)
            # An ICE restart makes new passwords, and a new port to answer at: each port answers by its own.
            way = next(way for way in self._ways if way.ours.ufrag == ufrag)
            self.adapting.measure = partial(self._engine.measuring.begin, way)
            if self._dtls is None:
                self.adapting.measure(now)
                self._start_dtls()
                self._listener.on_reached(now)

    def on_dtls(self, datagram: bytes) -> bool:
        return self._dtls is not None and self._dtls_budget.allows(1, time.monotonic()) and self._dtls.feed(datagram)

    def on_feedback(self, compound: bytes, now: float) -> None:
        if not self._rtcp_budget.allows(max(RTCP_LEAST, len(compound)), now):
            self._engine.dropped["rtcp_flood"] += 1
            return
        self._engine.feedback.receive(self, compound, now)

    def on_unknown(self, packet: bytes, ssrc: int, now: float) -> UpStream | None:
        """The first packet of an SSRC: whose it is says the offer (a=ssrc), else the packet's mid (RFC 9143 §9.2) and rid."""
        for line in self.lines:
            if line.role is Role.UP and (ssrc in line.ssrcs or ssrc in line.rtx_ssrcs.values() or _names(packet, line)):
                return self._learn(line, packet, ssrc, now)
        return None

    def _learn(self, line: Negotiated, packet: bytes, ssrc: int, now: float) -> UpStream | None:
        pt = packet[1] & 0x7F
        repair = pt in line.rtx_pts.values()
        rid = _rid(packet, line, REPAIRED_RID if repair else RID)
        up = self.ups_by_mid.get(line.mid, {}).get(rid)
        if repair:
            return None if up is None else self._learn_repair(up, ssrc)
        codec = next((OPUS if name == RED else name for name, number in line.pts.items() if number == pt), None)
        waits = now < self._change_from.get((line.mid, rid), now)
        if codec is None or waits or (line.rids and rid not in line.rids):
            return None
        self._change_from[line.mid, rid] = now + CHANGE_EVERY_S
        if up is not None:  # another SSRC or codec on the same line: another stream
            self._end_up(up, line)
        up = self._make_up(line, codec, ssrc, rid)
        self._listener.on_up_started(up, line, now)
        return up

    def _learn_repair(self, up: UpStream, ssrc: int) -> UpStream:
        up.rtx_ssrc = ssrc
        up.lane.repairs[ssrc] = up
        return up

    def _make_up(self, line: Negotiated, codec: str, ssrc: int, rid: str) -> UpStream:
        kind: Literal["audio", "video"] = "audio" if line.kind == "audio" else "video"
        handle = self._engine.new_handle()
        up = self._engine.path.new_up(handle, self.lane, kind, codec, line.clock_rate, ssrc, nack=line.nack)
        up.pt, up.rid = line.pts[codec], rid
        up.red_pt = line.pts.get(RED, NO_PT)
        up.rtx_ssrc = line.rtx_ssrcs.get(ssrc)
        self.ups_by_mid.setdefault(line.mid, {})[rid] = up
        self._engine.path.add_up(up)
        return up

    def on_key_frame(self, up: UpStream) -> None:
        self._listener.on_key_frame(up)

    # --- DTLS and consent -------------------------------------------------------------------------------------------

    def _start_dtls(self) -> None:
        assert self._offer is not None
        theirs = self._offer.transport
        prints = [(print_.algorithm, print_.digest) for print_ in theirs.fingerprints]
        self._dtls = DtlsPeer(self._engine.certificate, prints, self._send_dtls, self._on_good_bye, theirs.wants_hello)
        self._engine.spawn(self._shake_hands(self._dtls))

    async def _shake_hands(self, dtls: DtlsPeer) -> None:
        try:
            sessions = await dtls.handshake(self._engine.timing.handshake_s)
        except DtlsFailed as failure:
            forged = isinstance(failure, WrongCertificate)
            log.log(logging.WARNING if forged else logging.INFO, "peer dropped: %s", failure)
            self.close("certificate" if forged else "dtls", time.monotonic())
            return
        if self.phase is Phase.GONE:
            return
        self._engine.path.open_lane(self.lane, sessions)
        self._set_phase(Phase.CONNECTED, None, self.lane.heard)

    def _send_dtls(self, datagram: bytes) -> None:
        self._engine.port.send(datagram, self.lane.address)

    def _on_good_bye(self) -> None:
        self.close("dtls", time.monotonic())

    def _heard(self, now: float) -> None:
        self.lane.heard = now
        if self.phase is Phase.RECONNECTING:
            self._set_phase(Phase.CONNECTED, None, now)

    def watch(self, now: float) -> None:
        """On a timer: has anything valid come lately?"""
        silent_s = now - self.lane.heard
        timing = self._engine.timing
        if silent_s >= timing.gone_s:
            self.close("consent", now)
        elif self.phase is Phase.CONNECTED and silent_s >= timing.reconnecting_s:
            self._set_phase(Phase.RECONNECTING, None, now)
        elif self.phase is Phase.RECONNECTING and silent_s < timing.reconnecting_s:
            self._set_phase(Phase.CONNECTED, None, now)

    def close(self, cause: Cause, now: float) -> None:
        """Nothing is sent to or taken from this browser any more, except the DTLS good-bye. Idempotent."""
        if self.phase is Phase.GONE:
            return
        for way in self._ways:
            self._engine.forget(way.ours)
        before = {line.mid: line for line in self.lines}
        for mid in list(self.ups_by_mid):
            self._end_line(before[mid])
        for mid in list(self.downs_by_mid):
            self._end_down(mid)
        self._engine.release(self.lane)
        self._engine.path.close_lane(self.lane)
        self._engine.return_ssrcs(self.lane.rtcp_ssrc)
        self._set_phase(Phase.GONE, cause, now)
        if self._dtls is not None:
            self._engine.spawn(self._dtls.close())

    def discard(self) -> None:
        """A peer whose first offer was refused: as if it had never been."""
        self.phase = Phase.GONE
        self._engine.return_ssrcs(self.lane.rtcp_ssrc)

    def _set_phase(self, phase: Phase, cause: Cause | None, now: float) -> None:
        self.phase = phase
        self._listener.on_phase(phase, cause, now)

    # --- figures ----------------------------------------------------------------------------------------------------

    def take_quality(self, now: float) -> Quality:
        """Close the window of the line's figures."""
        totals = self._retired
        for up in self.ups:
            totals = _plus(totals, Totals(*up.reception.lost(), up.octets, 0))
        for down in self.downs.values():
            totals = _plus(totals, Totals(0, 0, 0, down.octets))
        jitter_s = max((up.reception.jitter_s() for up in self.ups), default=0.0)
        return self.quality.take(totals, jitter_s, self.lane.heard, now)


def _plus(a: Totals, b: Totals) -> Totals:
    return Totals(
        a.up_expected + b.up_expected, a.up_lost + b.up_lost, a.up_bytes + b.up_bytes, a.down_bytes + b.down_bytes
    )


def _sends(line: Negotiated) -> tuple[str | None, tuple[str, ...]]:
    return line.source, line.rids


def _uses(lines: tuple[Negotiated, ...], ssrc: int) -> bool:
    return any(ssrc in (line.ssrc, line.rtx_ssrc) for line in lines)


def _names(packet: bytes, line: Negotiated) -> bool:
    """Whether the packet carries this line's mid."""
    ident = line.extensions.get(MID)
    return ident is not None and read_text_extension(packet, len(packet), ident) == line.mid


def _rid(packet: bytes, line: Negotiated, extension: str) -> str:
    """Which layer the packet is of; "" on a line without simulcast, and for a packet that does not say."""
    return (read_text_extension(packet, len(packet), line.extensions[extension]) or "") if line.rids else ""
