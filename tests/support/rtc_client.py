"""A headless browser stand-in: ICE, DTLS, SRTP and just enough RTP to talk to a worker, with every packet in the test's hands.

Only public parts (aioice.stun, pyOpenSSL, pylibsrtp.Session), so that the worker is not tested against its own code.
"""

from __future__ import annotations

import asyncio
import datetime
import re
import secrets
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from aioice import stun
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from media.core import rtcp
from tests.support.eventually import PATIENCE_S, eventually

OPUS, VP8, RTX = 111, 96, 97
LEVEL_EXTENSION, MID_EXTENSION, ABS_EXTENSION = 1, 3, 5
RTP_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet that came down; `rtx` says over which stream."""

    ssrc: int
    pt: int
    marker: bool
    seq: int
    ts: int
    payload: bytes
    rtx: bool


class Certificate:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        span = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=1)
        )
        self.certificate = span.sign(self.key, hashes.SHA256())
        self.fingerprint = self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


class RtcClient:
    """Use: `offer()`, join with it, `await connect(answer)`, `start_media()`, look at `received`, `close()`.

    drop_down   called with each packet that comes; True loses it before anybody sees it.
    drop_up     the same for what is sent.
    drop_again  the same for what is sent again.
    """

    host = "127.0.0.1"  # where it is, and which of the worker's candidates it takes; "::1" for IPv6
    worker = ""  # that candidate, when the worker is on another host

    def __init__(self, name: str, *, slots: int = 2, mid_only: bool = False) -> None:
        self.name = name
        self.slots = slots
        self.mid_only = mid_only  # announce no a=ssrc, as with simulcast: the worker must learn by mid
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(12)
        self.certificate = Certificate()
        self.offered_fingerprint = self.certificate.fingerprint
        self.audio_ssrc, self.video_ssrc, self.rtx_ssrc = (secrets.randbits(31) + 1 for _ in range(3))
        self.document_ssrc = 0  # not zero: the next offer has a document camera
        self.received: dict[int, list[Packet]] = defaultdict(list)
        self.rtcp: list[rtcp.Packet] = []
        self.counts: Counter[str] = Counter()
        self.drop_down: Callable[[Packet], bool] = lambda _packet: False
        self.drop_up: Callable[[str, int], bool] = lambda _kind, _seq: False
        self.drop_again: Callable[[int], bool] = lambda _seq: False
        self.nack = True
        self.media: dict[str, bool] = {"audio": True, "video": True}
        self.level = 127  # of the voice, in -dBov (RFC 6464)
        self._loop = asyncio.get_running_loop()
        self._sent: dict[int, bytes] = {}
        self._seqs = {"audio": 65500, "video": 65400}  # so that every test wraps
        self._rtx_seq = 1
        self._number = 0
        self._key_wanted = True
        self._tasks: list[asyncio.Task[None]] = []
        self._ssl: SSL.Connection | None = None
        self._tx: Session | None = None
        self._rx: Session | None = None
        self.connected = asyncio.Event()
        self.closed_by_peer = False
        self.rtx_of: dict[int, int] = {}  # rtx ssrc -> main ssrc, of the answer
        self.ssrc_of_mid: dict[str, int] = {}
        self.last_media_at = 0.0
        self._open_socket()

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def _open_socket(self) -> None:
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((self.host, 0))
        self.sock.setblocking(False)
        self._loop.add_reader(self.sock.fileno(), self._read)

    # --- signalling -------------------------------------------------------------------------------------------------

    @property
    def sources(self) -> dict[str, str]:
        return {"0": "voice", "1": "face"} | ({"9": "document"} if self.document_ssrc else {})

    def offer(self) -> str:
        mids = [str(i) for i in range(2 + 2 * self.slots)] + (["9"] if self.document_ssrc else [])
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + " ".join(mids)]
        lines += self._audio("0", "sendonly") + self._video("1", "sendonly")
        for slot in range(self.slots):
            lines += self._audio(str(2 + 2 * slot), "recvonly") + self._video(str(3 + 2 * slot), "recvonly")
        if self.document_ssrc:
            lines += [*self._video("9", "sendonly", bare=True), f"a=ssrc:{self.document_ssrc} cname:x"]
        return "\r\n".join(lines) + "\r\n"

    def _line(self, mid: str, direction: str) -> list[str]:
        return [
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            f"a={direction}",
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            f"a=fingerprint:sha-256 {self.offered_fingerprint}",
            "a=setup:actpass",
            "a=rtcp-mux",
            f"a=extmap:{MID_EXTENSION} urn:ietf:params:rtp-hdrext:sdes:mid",
        ]

    def _audio(self, mid: str, direction: str) -> list[str]:
        own = [f"a=ssrc:{self.audio_ssrc} cname:x"] if direction == "sendonly" and not self.mid_only else []
        head = [f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}", *self._line(mid, direction)]
        head.append(f"a=extmap:{LEVEL_EXTENSION} urn:ietf:params:rtp-hdrext:ssrc-audio-level")
        return [*head, f"a=rtpmap:{OPUS} opus/48000/2", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1", *own]

    def _video(self, mid: str, direction: str, *, bare: bool = False) -> list[str]:
        own = []
        if direction == "sendonly" and not self.mid_only and not bare:
            group = f"a=ssrc-group:FID {self.video_ssrc} {self.rtx_ssrc}"
            own = [group, f"a=ssrc:{self.video_ssrc} cname:x", f"a=ssrc:{self.rtx_ssrc} cname:x"]
        return [
            f"m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}",
            *self._line(mid, direction),
            f"a=extmap:{ABS_EXTENSION} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            f"a=rtpmap:{VP8} VP8/90000",
            *(f"a=rtcp-fb:{VP8} {feedback}" for feedback in ("nack", "nack pli", "ccm fir", "goog-remb")),
            f"a=rtpmap:{RTX} rtx/90000",
            f"a=fmtp:{RTX} apt={VP8}",
            *own,
        ]

    def take_answer(self, answer: str) -> None:
        self.remote_ufrag = _find(r"a=ice-ufrag:(\S+)", answer)
        self.remote_pwd = _find(r"a=ice-pwd:(\S+)", answer)
        self.remote_fingerprint = _find(r"a=fingerprint:sha-256 (\S+)", answer)
        worker = self.worker or self.host
        at_host = rf"a=candidate:\S+ 1 udp \d+ {re.escape(worker)} (\d+) typ host"
        self.remote = (worker, int(_find(at_host, answer)))
        for main, repair in re.findall(r"a=ssrc-group:FID (\d+) (\d+)", answer):
            self.rtx_of[int(repair)] = int(main)
        for section in answer.split("\r\nm=")[1:]:
            if found := re.search(r"a=ssrc:(\d+)", section):
                self.ssrc_of_mid[_find(r"a=mid:(\S+)", section)] = int(found[1])

    async def connect(self, answer: str, timeout_s: float = PATIENCE_S) -> None:
        """ICE and DTLS; returns when SRTP keys are there."""
        self.begin(answer)
        async with asyncio.timeout(timeout_s):
            await self.connected.wait()

    def begin(self, answer: str) -> None:
        self.take_answer(answer)
        self._tasks.append(self._loop.create_task(self._check_forever()))
        self._tasks.append(self._loop.create_task(self._shake()))

    # --- ICE and DTLS -----------------------------------------------------------------------------------------------

    def check(self, *, nominate: bool = True, pwd: str | None = None) -> bytes:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote_ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1853824767
        message.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity((pwd or self.remote_pwd).encode())
        return bytes(message)

    async def _check_forever(self) -> None:
        while True:
            self.send_raw(self.check())
            await asyncio.sleep(0.05 if not self.counts["stun"] else 0.3)

    async def _shake(self) -> None:
        await eventually(lambda: None if self.counts["stun"] else "no STUN answer", 30)
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self.certificate.certificate)
        context.use_privatekey(self.certificate.key)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM")
        self._ssl = SSL.Connection(context)
        self._ssl.set_ciphertext_mtu(1200)
        self._ssl.set_connect_state()
        self._advance()
        while not self.connected.is_set():
            await asyncio.sleep(0.2)
            if not self.connected.is_set():
                with suppress(SSL.Error):
                    self._ssl.DTLSv1_handle_timeout()
                self._flush()

    def _advance(self) -> None:
        assert self._ssl is not None
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return
        self._flush()
        self._take_keys()

    def _flush(self) -> None:
        assert self._ssl is not None
        with suppress(SSL.Error):
            while data := self._ssl.bio_read(1500):
                self.send_raw(data)

    def _take_keys(self) -> None:
        assert self._ssl is not None
        assert self._ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM", "the worker prefers GCM-128"
        shown = self._ssl.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        assert shown.fingerprint(hashes.SHA256()).hex(":").upper() == self.remote_fingerprint
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 56)
        ours, theirs = material[:16] + material[32:44], material[16:32] + material[44:56]
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._tx = Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self._rx = Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        self.connected.set()

    # --- what comes -------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while True:
            try:
                data, _source = self.sock.recvfrom(2048)
            except (BlockingIOError, ConnectionError):
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        self.counts["datagrams"] += 1
        if data[0] < 4:
            message = stun.parse_message(data)
            authentic = message.check_message_integrity(self.remote_pwd.encode())
            self.counts["stun" if authentic else "forged"] += 1
        elif 19 < data[0] < 64:
            self._take_dtls(data)
        elif self._rx is not None and 192 <= data[1] <= 223:
            self._take_rtcp(self._rx.unprotect_rtcp(data))
        elif self._rx is not None:
            self._take_rtp(data)

    def _take_dtls(self, data: bytes) -> None:
        if self._ssl is None:
            return
        self._ssl.bio_write(data)
        if not self.connected.is_set():
            with suppress(SSL.Error):
                self._advance()
            return
        try:
            self._ssl.recv(1500)
        except SSL.ZeroReturnError:
            self.closed_by_peer = True
        except SSL.Error:
            pass

    def _take_rtp(self, data: bytes) -> None:
        assert self._rx is not None
        self.counts["bytes"] += len(data)
        try:
            plain = self._rx.unprotect(data)
        except pylibsrtp.Error:
            self.counts["replayed"] += 1  # the same number twice: with GCM this must never happen
            return
        self.last_media_at = self._loop.time()
        packet = self._parse(plain)
        if self.drop_down(packet):
            self.counts["lost"] += 1
            return
        line = self.received[packet.ssrc]
        if self.nack and line and not packet.rtx:
            self._ask_for_gap(packet, line)
        line.append(packet)

    def _parse(self, plain: bytes) -> Packet:
        first, second, seq, ts, ssrc = RTP_HEADER.unpack_from(plain)
        offset = 12 + 4 * (first & 15)
        if first & 0x10:
            offset += 4 + 4 * int.from_bytes(plain[offset + 2 : offset + 4], "big")
        payload, rtx = plain[offset:], ssrc in self.rtx_of
        if rtx:
            seq, payload, ssrc = int.from_bytes(payload[:2], "big"), payload[2:], self.rtx_of[ssrc]
        return Packet(ssrc, second & 0x7F, second >= 0x80, seq, ts, payload, rtx)

    def _ask_for_gap(self, packet: Packet, line: list[Packet]) -> None:
        newest = max(((p.seq - packet.seq + 0x8000) & 0xFFFF) - 0x8000 for p in line[-50:])
        missing = [(packet.seq + i) & 0xFFFF for i in range(newest + 1, 0)]
        if 0 < len(missing) < 100:
            self.send_rtcp(rtcp.Nack(self.video_ssrc, packet.ssrc, tuple(missing)))

    def _take_rtcp(self, compound: bytes) -> None:
        for packet in rtcp.parse_compound(compound):
            self.rtcp.append(packet)
            if isinstance(packet, rtcp.PictureLoss):
                self.counts["pli"] += 1
                self._key_wanted = True
            elif isinstance(packet, rtcp.Nack):
                self.counts["nacked"] += len(packet.seqs)
                for seq in packet.seqs:
                    self._resend(seq)

    # --- what goes --------------------------------------------------------------------------------------------------

    def send_raw(self, data: bytes) -> None:
        with suppress(OSError):
            self.sock.sendto(data, self.remote)

    def send_rtcp(self, *packets: rtcp.Packet) -> None:
        assert self._tx is not None
        self.send_raw(self._tx.protect_rtcp(rtcp.write_compound(packets)))

    def start_media(self) -> None:
        """From now on a packet of voice each 10 ms and a picture of two packets each 20 ms."""
        self._tasks.append(self._loop.create_task(self._talk()))

    async def _talk(self) -> None:
        while True:
            self._number += 1
            if self.media["audio"]:
                self.send_media("audio", f"{self.name}:{self._number}".encode(), marker=False)
            if self._number % 2 and self.media["video"]:
                self.send_picture()
            await asyncio.sleep(0.01)

    def send_picture(self) -> None:
        """Two packets; a key frame when one is wanted."""
        key, self._key_wanted = self._key_wanted, False
        text = f"{self.name}:{self._number}:".encode()
        self.send_media("video", (b"\x10\x00" if key else b"\x10\x01") + text + (b"key" if key else b""), marker=False)
        self.send_media("video", b"\x00\x01" + text, marker=True)

    def send_media(self, kind: str, payload: bytes, *, marker: bool) -> int:
        """One packet on its own SSRC; returns its sequence number."""
        seq = self._seqs[kind] = (self._seqs[kind] + 1) & 0xFFFF
        pt, ssrc, rate = (OPUS, self.audio_ssrc, 48000) if kind == "audio" else (VP8, self.video_ssrc, 90000)
        ts = int(self._loop.time() * rate) & 0xFFFFFFFF
        plain = self._header(pt | (0x80 if marker else 0), seq, ts, ssrc, "0" if kind == "audio" else "1") + payload
        if kind == "video":
            self._sent[seq] = plain
        if self.drop_up(kind, seq):
            self.counts["lost_up"] += 1
        else:
            self.send_plain(plain)
        return seq

    def _header(self, marker_pt: int, seq: int, ts: int, ssrc: int, mid: str) -> bytes:
        """With the mid extension, as a browser does until it is heard, and the level of a voice."""
        level = bytes([LEVEL_EXTENSION << 4, 0x80 | self.level]) if mid == "0" else b"\x00\x00"
        extension = bytes([MID_EXTENSION << 4 | 0]) + mid.encode() + level
        return RTP_HEADER.pack(0x90, marker_pt, seq, ts, ssrc) + b"\xbe\xde\x00\x01" + extension

    def send_plain(self, plain: bytes) -> None:
        assert self._tx is not None
        self.send_raw(self._tx.protect(plain))

    def send_sender_report(self, kind: str, ntp: int, rtp_ts: int) -> None:
        self.send_rtcp(
            rtcp.SenderReport(self.audio_ssrc if kind == "audio" else self.video_ssrc, ntp, rtp_ts, 10, 1000)
        )

    def _resend(self, seq: int) -> None:
        plain = self._sent.get(seq)
        if plain is None or self.drop_again(seq):
            return
        _, second, _, ts, _ = RTP_HEADER.unpack_from(plain)
        self._rtx_seq += 1
        header = self._header(second & 0x80 | RTX, self._rtx_seq & 0xFFFF, ts, self.rtx_ssrc, "1")
        self.counts["resent"] += 1
        self.send_plain(header + seq.to_bytes(2, "big") + plain[20:])

    # --- address and end --------------------------------------------------------------------------------------------

    def move_address(self) -> None:
        """As a phone does from Wi-Fi to 4G: another port, the same keys; the next check nominates it."""
        self._loop.remove_reader(self.sock.fileno())
        self.sock.close()
        self._open_socket()
        self.send_raw(self.check())

    def fall_silent(self) -> None:
        """Send nothing any more, not even checks; go on listening."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def say_goodbye(self) -> None:
        """DTLS close_notify, as a page that is closed."""
        assert self._ssl is not None
        with suppress(SSL.Error):
            self._ssl.shutdown()
        self._flush()

    async def close(self) -> None:
        tasks = list(self._tasks)
        self.fall_silent()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock.fileno())
            self.sock.close()

    # --- looking ----------------------------------------------------------------------------------------------------

    @property
    def said(self) -> int:
        """Steps of `start_media` so far."""
        return self._number

    def read_all(self) -> None:
        """Take what lies in the socket, so that what comes from now on was sent from now on."""
        self._read()

    def heard_from(self, name: str, mid: str | None = None) -> list[Packet]:
        """Packets whose payload says that they are of `name` (sender's name, not the slot)."""
        mark = f"{name}:".encode()
        lines = [self.received[self.ssrc_of_mid[mid]]] if mid else list(self.received.values())
        return [packet for line in lines for packet in line if mark in packet.payload]


async def join(
    controller: Any, client: RtcClient, *, room: str = "r1", epoch: int = 1, connection: int = 1
) -> dict[str, Any]:
    """Join with the client's offer; returns the `ok`."""
    ok: dict[str, Any] = await controller.ask(
        "join",
        room=room,
        epoch=epoch,
        seat=client.name,
        connection=connection,
        offer=client.offer(),
        sources=client.sources,
        label={"name": client.name},
    )
    return ok


def continuous(packets: list[Packet], unsettled: int = 0) -> bool:
    """Whether the sequence numbers of a line are without gap and without repetition, whatever the order.

    unsettled  so many of the newest numbers may still be waiting for a repair.
    """
    if not packets:
        return True
    start = packets[0].seq
    numbers = sorted(((p.seq - start + 0x8000) & 0xFFFF) - 0x8000 for p in packets)
    settled = [n for n in numbers if n <= numbers[-1] - unsettled]
    return settled == list(range(numbers[0], numbers[0] + len(settled)))


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found[1]
