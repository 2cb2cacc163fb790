"""A recorded room with two people in it, who talk and see each other; what of it arrives while others shoot at their worker."""

from __future__ import annotations

import base64
import select
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from media.core.rtcp import FullIntra, PictureLoss, RtcpError, parse_compound
from media.record.packs.check import JournalCheck, Report
from media.record.reader import SessionKeys, load_segments
from server.bench import BenchError
from server.bench.attacking.fire import Fired, listen
from server.bench.attacking.members import ROOM, connect
from server.bench.core import quantile
from server.bench.loadgen.peer import PROFILES, Certificate, DatagramKind, Peer, PeerFailed, kind_of
from server.bench.loadgen.streams import audio_stream, video_stream
from server.bench.loadgen.worker import EPOCH, RECORD_KEY, WorkerSignaling
from server.bench.servers import RunningServer

EVERY_S: Final = 0.02
REST_S: Final = 0.2  # for the last packets
WITHIN_S: Final = 30.0
QUIET_S: Final = 2.0  # so long nothing came: nothing will
VOICE, FACE = 111, 96
_HEADER: Final = struct.Struct("!BBHII")
_SENT_AT: Final = struct.Struct("!dI")
_KEY_FRAME: Final = bytes((0x10, 0))  # VP8: a frame begins, and needs none before it


@dataclass(slots=True)
class Talker:
    """One of the two, with a voice and a picture; what he hears is noted with its way in seconds."""

    name: str
    peer: Peer
    ssrc: int
    tx: Session
    rx: Session
    sent: int = 0
    asked: int = 0  # for key frames
    ways: list[float] = field(default_factory=list)

    def speak(self, now: float) -> None:
        self.peer.keep_consent(now)
        self.sent += 1
        stamp = _SENT_AT.pack(now, self.ssrc)
        self._send(VOICE, self.sent * 960, self.ssrc, stamp + bytes(60))
        self._send(0x80 | FACE, self.sent * 1800, self.ssrc + 100, _KEY_FRAME + bytes(900))

    def _send(self, payload_type: int, ts: int, ssrc: int, body: bytes) -> None:
        assert self.peer.remote is not None
        head = _HEADER.pack(0x80, payload_type, self.sent & 0xFFFF, ts & 0xFFFFFFFF, ssrc)
        self.peer.sock.sendto(self.tx.protect(head + body), self.peer.remote.address)

    def hear(self, other: int) -> None:
        with suppress(BlockingIOError):
            while True:
                data = self.peer.sock.recv(2048)
                kind = kind_of(data)
                with suppress(SrtpError, RtcpError):
                    if kind is DatagramKind.RTCP:
                        self._note_asked(self.rx.unprotect_rtcp(data))
                    elif kind is DatagramKind.RTP and data[1] & 0x7F == VOICE:
                        self._note_way(self.rx.unprotect(data), other)

    def _note_asked(self, compound: bytes) -> None:
        self.asked += sum(isinstance(packet, PictureLoss | FullIntra) for packet in parse_compound(compound))

    def _note_way(self, packet: bytes, other: int) -> None:
        if len(packet) < _HEADER.size + _SENT_AT.size:  # of an attacker
            return
        at, ssrc = _SENT_AT.unpack_from(packet, _HEADER.size)
        if ssrc == other:
            self.ways.append(time.monotonic() - at)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of a few seconds: share of voice packets lost, their way in ms, and how often the one who is asked most was asked for a key frame."""

    loss: float
    p50_ms: float
    p99_ms: float
    asked_per_s: float


class Stage:
    """Raises PeerFailed, BenchError."""

    def __init__(self, server: RunningServer, journals: Path) -> None:
        control = server.place.partition(":")[2]
        self._host = server.host
        self._journal = journals / ROOM
        self._signaling = WorkerSignaling(Path(control), journals)
        udp = self._signaling.control.state["media"]["udp"][0]
        self.place = (control, server.host, str(udp["port"]))  # where attackers find it
        self._signaling.open_room(0)
        self._certificate = Certificate()
        self._a, self._b = self._talker("a", 1001), self._talker("b", 1002)

    def close(self) -> None:
        for talker in (self._a, self._b):
            talker.peer.close()
        self._signaling.control.close()

    def talk(self, seconds: float) -> Heard:
        """Both speak; what of it arrives, with a moment for the last packets."""
        a, b = self._a, self._b
        a.ways, b.ways = [], []
        a.asked = b.asked = 0
        before = a.sent + b.sent
        began = time.monotonic()
        ticks = 0
        while (now := time.monotonic()) < began + seconds + REST_S:
            if began + ticks * EVERY_S <= now < began + seconds:
                ticks += 1
                a.speak(now)
                b.speak(time.monotonic())
            select.select([a.peer.sock, b.peer.sock], [], [], 0.002)
            a.hear(b.ssrc)
            b.hear(a.ssrc)
        self._signaling.idle()
        ways, sent = a.ways + b.ways, a.sent + b.sent - before
        if not ways:
            raise BenchError("nobody heard anything")
        p50, p99 = (quantile(ways, share) * 1000 for share in (0.5, 0.99))
        return Heard(1 - len(ways) / sent, p50, p99, max(a.asked, b.asked) / seconds)

    def newcomer(self, number: int) -> bool:
        """Somebody comes in and leaves; whether the handshake succeeded."""
        seat = f"newcomer{number}"
        try:
            peer = self._enter(seat, 1)
        except PeerFailed:
            return False
        peer.close()
        self._leave(seat)
        return True

    def sent_after_leaving(self, within_s: float) -> float:
        """Seconds from the request `leave` until the last datagram to him."""
        peer = self._enter("leaver", 2)
        self.talk(0.5)
        self._leave("leaver")
        return self._last_after(peer, within_s)

    def sent_to_the_silent(self, within_s: float) -> float:
        """Seconds from the last word of somebody until the last datagram to him."""
        return self._last_after(self._enter("silent", 2), within_s)

    def dropped(self) -> dict[str, int]:
        counters: dict[str, int] = self._signaling.control.request("stats", room=None)["dropped"]
        return counters

    def not_recorded(self) -> int:
        """End the room: how many of the two's voice packets its journal lacks. Raises BenchError when the journal is damaged."""
        self._signaling.control.request("close_room", room=ROOM, epoch=EPOCH, reason="ended")
        check = JournalCheck(report := Report(), SessionKeys(base64.b64decode(RECORD_KEY)))
        check.run(load_segments([self._journal]))
        if report.damages:
            raise BenchError(f"the journal does not verify: {report.damages[0]}")
        names = {talker.name for talker in (self._a, self._b)}
        ours = {
            event["data"]["stream"]
            for event in check.events
            if event["kind"] == "stream" and event["seat"] in names and event["data"]["kind"] == "audio"
        }
        ended = [event["data"] for event in check.events if event["kind"] == "stream_ended"]
        recorded: int = sum(data["received"] for data in ended if data["stream"] in ours)
        return self._a.sent + self._b.sent - recorded

    def _last_after(self, peer: Peer, within_s: float) -> float:
        """The two talk on, so that there always is something to send."""
        began = last = time.monotonic()
        listen(peer.sock, Fired())
        while (now := time.monotonic()) < min(began + within_s, last + within_s):
            self.talk(0.1)
            heard = Fired()
            listen(peer.sock, heard)
            if heard.got_bytes:
                last = time.monotonic()
            elif now - last > QUIET_S:
                break
        peer.close()
        return last - began

    def _talker(self, name: str, ssrc: int) -> Talker:
        peer = Peer(self._certificate, (PROFILES["gcm128"],), self._host)
        streams = [audio_stream(ssrc, "0"), video_stream(ssrc + 100, "1")]
        self._signaling.join_seat(ROOM, name, peer, streams, 2)
        connect(peer, WITHIN_S)
        _, tx, rx = peer.keys()
        return Talker(name, peer, ssrc, tx, rx)

    def _enter(self, seat: str, slots: int) -> Peer:
        peer = Peer(self._certificate, (PROFILES["gcm128"],), self._host)
        try:
            self._signaling.join_seat(ROOM, seat, peer, [], slots)
            connect(peer, WITHIN_S)
        except PeerFailed:
            peer.close()
            raise
        return peer

    def _leave(self, seat: str) -> None:
        self._signaling.control.request("leave", room=ROOM, epoch=EPOCH, seat=seat, connection=1, reason="left")
