"""Attacks of people who have a seat in the room, and mostly keys (threats 2 to 5, ASVS V17.2.3 to V17.2.8)."""

from __future__ import annotations

import itertools
import random
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from media.core.rtcp import FullIntra, PictureLoss, write_compound
from server.bench.attacking.fire import Address, Datagrams, Fired, Target, fire, listen
from server.bench.attacking.strangers import HELLO, check
from server.bench.loadgen.peer import PROFILES, Certificate, DatagramKind, Peer, PeerFailed, Remote, kind_of
from server.bench.loadgen.streams import audio_stream
from server.bench.loadgen.worker import EPOCH, WorkerSignaling

ROOM: Final = "r0"
SSRC: Final = 66_600
RATE_PER_S: Final = 2500  # fifty times a voice
FACE: Final = 96  # payload type of video in our offers
NACK_ITEMS: Final = 320
HALF_OPEN: Final = 30
WITHIN_S: Final = 10.0
LISTEN_S: Final = 0.3  # to an impostor: what is meant for him would have come by then
_HEADER: Final = struct.Struct("!BBHII")

Shot = Callable[[Peer, Session, Session, random.Random], tuple[Datagrams, Callable[[bytes], None]]]


def voices(peer: Peer, tx: Session, rx: Session, chance: random.Random) -> tuple[Datagrams, Callable[[bytes], None]]:
    """Valid SRTP, fifty times what a voice is."""

    def packets() -> Datagrams:
        for number in itertools.count(1):
            yield tx.protect(_HEADER.pack(0x80, 111, number & 0xFFFF, number * 20, SSRC) + bytes(88))

    return packets(), lambda _: None


def forged(peer: Peer, tx: Session, rx: Session, chance: random.Random) -> tuple[Datagrams, Callable[[bytes], None]]:
    """From a nominated address, in the name of the room's other people, without a right tag."""

    def packets() -> Datagrams:
        for number in itertools.count(1):
            yield _HEADER.pack(
                0x80, 111, number & 0xFFFF, number * 960, chance.choice((1001, 1002))
            ) + chance.randbytes(90)

    return packets(), lambda _: None


def feedback(peer: Peer, tx: Session, rx: Session, chance: random.Random) -> tuple[Datagrams, Callable[[bytes], None]]:
    """Valid SRTCP that asks for all it can: thousands of packets again (NACK), and key frames (PLI, FIR)."""
    shown = [0, 0]  # SSRC and newest number of a picture that we are sent

    def hear(data: bytes) -> None:
        if kind_of(data) is DatagramKind.RTP and data[1] & 0x7F == FACE:
            with suppress(SrtpError):
                shown[:] = _HEADER.unpack_from(rx.unprotect(data))[4], int.from_bytes(data[2:4], "big")

    def compounds() -> Datagrams:
        while True:
            ssrc, newest = shown
            yield tx.protect_rtcp(_asks_for_thousands(ssrc, newest))
            yield tx.protect_rtcp(write_compound([PictureLoss(SSRC, ssrc)] * 100))
            yield tx.protect_rtcp(write_compound([FullIntra(SSRC, ((ssrc, chance.randrange(256)),))]))

    return compounds(), hear


def _asks_for_thousands(ssrc: int, newest: int) -> bytes:
    """A Generic NACK of 1,332 bytes that names 5,440 packets. Source: RFC 4585 section 6.2.1."""
    items = b"".join(struct.pack("!HH", (newest - 17 * back) & 0xFFFF, 0xFFFF) for back in range(NACK_ITEMS))
    return struct.pack("!BBHII", 0x81, 205, 2 + NACK_ITEMS, SSRC, ssrc) + items


def own_checks(
    peer: Peer, tx: Session, rx: Session, chance: random.Random
) -> tuple[Datagrams, Callable[[bytes], None]]:
    """Connectivity checks with the right password."""
    remote = _remote(peer)
    return itertools.repeat(check(f"{remote.ufrag}:{peer.ufrag}", remote.pwd.encode())), lambda _: None


def handshakes(
    peer: Peer, tx: Session, rx: Session, chance: random.Random
) -> tuple[Datagrams, Callable[[bytes], None]]:
    """ClientHellos on a connection that has its keys."""
    return (HELLO + chance.randbytes(32) + b"\0" for _ in itertools.count()), lambda _: None


def malformed(peer: Peer, tx: Session, rx: Session, chance: random.Random) -> tuple[Datagrams, Callable[[bytes], None]]:
    """What has a right tag, and nothing else right: headers, extensions, RTCP."""

    def packets() -> Datagrams:
        while True:
            head = bytes((0x80 | chance.randrange(64), chance.randrange(128))) + chance.randbytes(6)
            with suppress(SrtpError):  # libsrtp itself refuses some headers; nobody can send those
                yield tx.protect(head + struct.pack("!I", SSRC) + chance.randbytes(chance.randrange(80)))
            rtcp = bytes((0x80 | chance.randrange(32), 200 + chance.randrange(8))) + chance.randbytes(26)
            yield tx.protect_rtcp(rtcp)

    return packets(), lambda _: None


class _Counted(Peer):
    """Says what it sends. `fired` is set before it is aimed."""

    fired: Fired

    def _send(self, data: bytes, address: Address | None = None) -> None:
        self.fired.sent += 1
        self.fired.sent_bytes += len(data)
        super()._send(data, address)


def half_handshakes(target: Target) -> Fired:
    """Seats whose handshake is begun and never ended: what the worker repeats for them comes back."""
    fired, signaling = Fired(counts={"half_open": 0}), WorkerSignaling(target.control)
    certificate, end = Certificate(), time.monotonic() + target.seconds
    peers: list[Peer] = []
    while time.monotonic() < end:
        if len(peers) < HALF_OPEN:
            peers.append(_begun(signaling, f"slow{len(peers)}", certificate, target, fired))
        for peer in peers:
            listen(peer.sock, fired)
        time.sleep(0.05)
    fired.counts["half_open"] = len(peers)
    for number, peer in enumerate(peers):
        peer.close()
        with suppress(PeerFailed):  # the worker has given it up
            _leave(signaling, f"slow{number}")
    signaling.control.close()
    return fired


def _begun(signaling: WorkerSignaling, seat: str, certificate: Certificate, target: Target, fired: Fired) -> Peer:
    """A seat that has said its ClientHello and says nothing more. Raises PeerFailed."""
    peer = _Counted(certificate, (PROFILES["gcm128"],), target.udp[0])
    peer.fired = fired
    signaling.join_seat(ROOM, seat, peer, [], 1)
    end = time.monotonic() + WITHIN_S
    while not peer.checked:
        if time.monotonic() > end:
            raise PeerFailed(f"{seat} was not answered")
        peer.step(time.monotonic())  # the first step after the answer says the ClientHello
        time.sleep(0.001)
    return peer


class _Impostor(_Counted):
    """Shows another certificate than the one of his offer."""

    def aim(self, remote: Remote) -> None:
        self.certificate = Certificate()
        super().aim(remote)


def impostors(target: Target) -> Fired:
    """One after the other; `in`: those who were sent media."""
    fired, signaling = Fired(counts={"tried": 0, "in": 0}), WorkerSignaling(target.control)
    certificate, end = Certificate(), time.monotonic() + target.seconds
    for number in itertools.count():
        if time.monotonic() > end:
            break
        peer = _Impostor(certificate, (PROFILES["gcm128"],), target.udp[0])
        peer.fired = fired
        signaling.join_seat(ROOM, f"impostor{number}", peer, [], 2)
        with suppress(PeerFailed):
            connect(peer, 2.0)
        kinds: list[DatagramKind | None] = []
        heard_until = time.monotonic() + LISTEN_S
        while time.monotonic() < heard_until:
            listen(peer.sock, fired, lambda data, kinds=kinds: kinds.append(kind_of(data)))  # type: ignore[misc]
            time.sleep(0.01)
        fired.counts["tried"] += 1
        fired.counts["in"] += DatagramKind.RTP in kinds
        peer.close()
    signaling.control.close()
    return fired


def _with_keys(shot: Shot) -> Callable[[Target], Fired]:
    def attack(target: Target) -> Fired:
        with _entered(target) as peer:
            _, tx, rx = peer.keys()
            datagrams, hear = shot(peer, tx, rx, random.Random(target.seed))
            return fire(
                peer.sock,
                target,
                RATE_PER_S,
                datagrams,
                between=lambda: peer.keep_consent(time.monotonic()),
                hear=hear,
            )

    return attack


@contextmanager
def _entered(target: Target) -> Iterator[Peer]:
    signaling, peer = WorkerSignaling(target.control), Peer(Certificate(), (PROFILES["gcm128"],), target.udp[0])
    signaling.join_seat(ROOM, "attacker", peer, [audio_stream(SSRC, "0")], 2)
    connect(peer, WITHIN_S)
    try:
        yield peer
    finally:
        _leave(signaling, "attacker")
        peer.close()
        signaling.control.close()


def connect(peer: Peer, within_s: float) -> None:
    """Raises PeerFailed."""
    end = time.monotonic() + within_s
    while not peer.step(time.monotonic()):
        if time.monotonic() > end:
            raise PeerFailed(f"not connected within {within_s:g} s")
        time.sleep(0.002)


def _leave(signaling: WorkerSignaling, seat: str) -> None:
    signaling.control.request("leave", room=ROOM, epoch=EPOCH, seat=seat, connection=1, reason="left")


def _remote(peer: Peer) -> Remote:
    if peer.remote is None:
        raise PeerFailed("nobody has answered")
    return peer.remote


MEMBERS: Final[dict[str, Callable[[Target], Fired]]] = {
    "member": _with_keys(voices),
    "forged": _with_keys(forged),
    "feedback": _with_keys(feedback),
    "own_checks": _with_keys(own_checks),
    "handshakes": _with_keys(handshakes),
    "malformed": _with_keys(malformed),
    "half_open": half_handshakes,
    "impostors": impostors,
}
