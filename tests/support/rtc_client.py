"""A headless browser stand-in: ICE, DTLS, SRTP and just enough RTP to talk to a worker, with every packet in the test's hands.

Only public parts (aioice.stun, pyOpenSSL, pylibsrtp.Session), so that the worker is not tested against its own code.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pylibsrtp
from aioice import stun

from media.core import rtcp
from tests.support.eventually import PATIENCE_S, eventually
from tests.support.rtc_handshake import Certificate, Handshake
from tests.support.rtc_offer import Answer, Offer
from tests.support.rtc_packets import OPUS, RTP_HEADER, RTX, VP8, Packet, read_packet, write_header


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
        self.dtls = Handshake(self.certificate, self.send_raw)
        self.connected = self.dtls.is_done
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
        return self.offered().text()

    def offered(self) -> Offer:
        voice: tuple[str, ...] = ()
        face: tuple[str, ...] = ()
        if not self.mid_only:
            voice = (f"a=ssrc:{self.audio_ssrc} cname:x",)
            group = f"a=ssrc-group:FID {self.video_ssrc} {self.rtx_ssrc}"
            face = (group, f"a=ssrc:{self.video_ssrc} cname:x", f"a=ssrc:{self.rtx_ssrc} cname:x")
        return Offer(self.ufrag, self.pwd, self.offered_fingerprint, self.slots, voice, face, self.document_ssrc)

    def take_answer(self, answer: str) -> None:
        worker = self.worker or self.host
        read = Answer.read(answer, worker)
        self.remote_ufrag, self.remote_pwd, self.remote_fingerprint = read.ufrag, read.pwd, read.fingerprint
        self.remote = (worker, read.port)
        self.rtx_of.update(read.rtx_of)
        self.ssrc_of_mid.update(read.ssrc_of_mid)

    async def connect(self, answer: str, timeout_s: float = PATIENCE_S) -> None:
        """ICE and DTLS; returns when SRTP keys are there."""
        self.begin(answer)
        async with asyncio.timeout(timeout_s):
            await self.connected.wait()

    def begin(self, answer: str) -> None:
        self.take_answer(answer)
        self._tasks.append(self._loop.create_task(self._check_forever()))
        self._tasks.append(self._loop.create_task(self._shake()))

    # --- ICE ----------------------------------------------------------------------------------------------------

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
        await self.dtls.shake(self.remote_fingerprint)

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
            self.dtls.take(data)
        elif self.dtls.rx is not None and 192 <= data[1] <= 223:
            self._take_rtcp(self.dtls.rx.unprotect_rtcp(data))
        elif self.dtls.rx is not None:
            self._take_rtp(data)

    def _take_rtp(self, data: bytes) -> None:
        assert self.dtls.rx is not None
        self.counts["bytes"] += len(data)
        try:
            plain = self.dtls.rx.unprotect(data)
        except pylibsrtp.Error:
            self.counts["replayed"] += 1  # the same number twice: with GCM this must never happen
            return
        self.last_media_at = self._loop.time()
        packet = read_packet(plain, self.rtx_of)
        if self.drop_down(packet):
            self.counts["lost"] += 1
            return
        line = self.received[packet.ssrc]
        if self.nack and line and not packet.rtx:
            self._ask_for_gap(packet, line)
        line.append(packet)

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
        assert self.dtls.tx is not None
        self.send_raw(self.dtls.tx.protect_rtcp(rtcp.write_compound(packets)))

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
        plain = self.header(pt | (0x80 if marker else 0), seq, ts, ssrc, "0" if kind == "audio" else "1") + payload
        if kind == "video":
            self._sent[seq] = plain
        if self.drop_up(kind, seq):
            self.counts["lost_up"] += 1
        else:
            self.send_plain(plain)
        return seq

    def header(self, marker_pt: int, seq: int, ts: int, ssrc: int, mid: str) -> bytes:
        return write_header(marker_pt, seq, ts, ssrc, mid, self.level)

    def send_plain(self, plain: bytes) -> None:
        assert self.dtls.tx is not None
        self.send_raw(self.dtls.tx.protect(plain))

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
        header = self.header(second & 0x80 | RTX, self._rtx_seq & 0xFFFF, ts, self.rtx_ssrc, "1")
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
        """As a page that is closed."""
        self.dtls.say_goodbye()

    async def close(self) -> None:
        tasks = list(self._tasks)
        self.fall_silent()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock.fileno())
            self.sock.close()

    # --- looking ----------------------------------------------------------------------------------------------------

    @property
    def closed_by_peer(self) -> bool:
        return self.dtls.is_closed_by_peer

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
