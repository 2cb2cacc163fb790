"""One peer connection of a participant: a UDP socket, ICE checks, DTLS as client or server, SRTP keys. No media: that is the plane's.

ICE is what a browser does toward an ICE-lite server: it checks, it nominates, it goes on checking (RFC 8445, RFC 7675).
"""

from __future__ import annotations

import datetime
import random
import secrets
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum

from aioice import stun
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

Address = tuple[str, int]

CHECK_EVERY_S = 0.05  # until the first answer; RFC 8445 section 14.2 paces checks at 50 ms
CONSENT_EVERY_S = 2.0  # afterwards, in the mean; well inside the 30 s of RFC 7675
SHORTEST = 12  # an RTP header, or RTCP with one more word
RESEND_S = 0.3  # a lost DTLS flight is rare on loopback
PRIORITY = 1853824767  # host candidate, peer reflexive (RFC 8445 section 5.1.2)
RECEIVE_BUFFER = 1 << 20  # so that a slow moment of the generator is not taken for loss of the server


class DatagramKind(Enum):
    """What shares the one port of a peer connection."""

    STUN = range(4)
    DTLS = range(20, 64)
    RTCP = range(192, 224)  # by the second byte
    RTP = range(128, 192)


def kind_of(data: bytes) -> DatagramKind | None:
    """By the first byte, RTCP by the second (RFC 7983, RFC 5761 section 4); None for what is none of them."""
    if len(data) >= SHORTEST and data[0] in DatagramKind.RTP.value:
        return DatagramKind.RTCP if data[1] in DatagramKind.RTCP.value else DatagramKind.RTP
    return next((kind for kind in (DatagramKind.STUN, DatagramKind.DTLS) if data[:1] and data[0] in kind.value), None)


def consent_pause_s() -> float:
    """Until the next check, by chance as RFC 7675 section 5.1 asks: peers that connected at once do not check at once for ever."""
    return CONSENT_EVERY_S * random.uniform(0.8, 1.2)


class PeerFailed(Exception):
    """A peer connection could not be made; the message says where it stopped."""


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """One protection profile of RFC 5764 and RFC 7714."""

    openssl: bytes
    libsrtp: int
    key_length: int
    salt_length: int


PROFILES = {
    "gcm128": SrtpProfile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    "gcm256": SrtpProfile(b"SRTP_AEAD_AES_256_GCM", Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    "cm": SrtpProfile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


@dataclass(frozen=True, slots=True)
class Remote:
    """The other side as its SDP describes it. `dtls_client`: we are the client of the handshake."""

    address: Address
    ufrag: str
    pwd: str
    fingerprint: str
    dtls_client: bool


class Certificate:
    """A self-signed P-256 certificate, as browsers make one; all participants of a generator share it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "laizuo-bench")])
        now = datetime.datetime.now(tz=datetime.UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=7)
        )
        self.x509 = builder.sign(self.key, hashes.SHA256())
        self.fingerprint = fingerprint_of(self.x509)


def fingerprint_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


@dataclass(slots=True)
class Peer:
    """Use: make it, put `ufrag`, `pwd` and `port` into an SDP, `aim` it at the answer, `step` it until it says True, then take `keys`."""

    certificate: Certificate
    profiles: tuple[SrtpProfile, ...]
    host: str = "127.0.0.1"
    ufrag: str = field(default_factory=lambda: secrets.token_hex(4))
    pwd: str = field(default_factory=lambda: secrets.token_hex(12))
    sock: socket.socket = field(init=False)
    remote: Remote | None = field(default=None, init=False)
    checked: bool = field(default=False, init=False)
    done: bool = field(default=False, init=False)
    _ssl: SSL.Connection = field(init=False)
    _tie: int = field(default_factory=lambda: secrets.randbits(64), init=False)
    _asked: set[bytes] = field(default_factory=set, init=False)
    _next_check: float = field(default=0.0, init=False)
    _next_resend: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.sock.setblocking(False)
        self.sock.bind((self.host, 0))

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def close(self) -> None:
        self.sock.close()

    def aim(self, remote: Remote) -> None:
        """Start toward the other side."""
        self.remote = remote
        self._ssl = SSL.Connection(self._context())
        self._ssl.set_ciphertext_mtu(1200)
        if remote.dtls_client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()

    def step(self, now: float) -> bool:
        """Read what came, send what is due. Returns whether the DTLS handshake is complete."""
        self.keep_consent(now)
        while not self.done:
            try:
                data, address = self.sock.recvfrom(2048)
            except BlockingIOError:
                break
            self.datagram(data, address, now)
        if self.checked and not self.done and now >= self._next_resend:
            self._resend(now)
        return self.done

    def keep_consent(self, now: float) -> None:
        if now >= self._next_check:
            self._next_check = now + (consent_pause_s() if self.checked else CHECK_EVERY_S)
            self._check()

    def datagram(self, data: bytes, address: Address, now: float) -> None:
        """A datagram that is not SRTP: STUN or DTLS (RFC 7983)."""
        kind = kind_of(data)
        if kind is DatagramKind.STUN:
            self._stun(data, address)
        elif kind is DatagramKind.DTLS and not self.done:
            self._ssl.bio_write(data)
            self._handshake(now)

    def keys(self) -> tuple[str, Session, Session]:
        """Name of the negotiated profile, session to send with, session to receive with."""
        name = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in self.profiles if p.openssl == name), None)
        if profile is None:
            raise PeerFailed("the server negotiated no SRTP profile")
        self._check_certificate()
        size = profile.key_length + profile.salt_length
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * size)
        assert self.remote is not None
        client, server = (_key_of(material, profile, side) for side in (0, 1))
        ours, theirs = (client, server) if self.remote.dtls_client else (server, client)
        sending = _session(ours, Policy.SSRC_ANY_OUTBOUND, profile)
        return name.decode(), sending, _session(theirs, Policy.SSRC_ANY_INBOUND, profile)

    def _context(self) -> SSL.Context:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self.certificate.x509)
        context.use_privatekey(self.certificate.key)
        context.set_tlsext_use_srtp(b":".join(profile.openssl for profile in self.profiles))
        return context

    def _check_certificate(self) -> None:
        assert self.remote is not None
        shown = self._ssl.get_peer_certificate(as_cryptography=True)
        if shown is None or fingerprint_of(shown) != self.remote.fingerprint.upper():
            raise PeerFailed("the server's certificate is not the one of its SDP")

    def _check(self) -> None:
        assert self.remote is not None
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = PRIORITY
        message.attributes["ICE-CONTROLLING"] = self._tie
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self.remote.pwd.encode())
        message.add_fingerprint()
        self._asked.add(message.transaction_id)
        self._send(bytes(message))

    def _stun(self, data: bytes, address: Address) -> None:
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error, IndexError):
            return
        if message.message_class == stun.Class.REQUEST:
            self._answer_check(message, address)
        elif message.message_class == stun.Class.RESPONSE and message.transaction_id in self._asked:
            self._asked.clear()
            self.checked = True

    def _answer_check(self, request: stun.Message, address: Address) -> None:
        answer = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = address
        answer.add_message_integrity(self.pwd.encode())
        answer.add_fingerprint()
        self._send(bytes(answer), address)

    def _resend(self, now: float) -> None:
        assert self.remote is not None
        if self.remote.dtls_client and self._next_resend == 0.0:
            self._handshake(now)
            return
        self._next_resend = now + RESEND_S
        self._ssl.DTLSv1_handle_timeout()
        self._flush()

    def _handshake(self, now: float) -> None:
        self._next_resend = now + RESEND_S
        try:
            self._ssl.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            raise PeerFailed(f"DTLS handshake: {error}") from error
        self._flush()

    def _flush(self) -> None:
        while True:
            try:
                self._send(self._ssl.bio_read(1500))
            except SSL.WantReadError:
                return

    def _send(self, data: bytes, address: Address | None = None) -> None:
        assert self.remote is not None
        try:
            self.sock.sendto(data, address or self.remote.address)
        except (BlockingIOError, ConnectionRefusedError):
            return  # the next check or resend tries again; a server that is gone shows as a time-out


def _key_of(material: bytes, profile: SrtpProfile, side: int) -> bytes:
    """Master key and salt of the client (0) or the server (1). Source: RFC 5764 section 4.2."""
    keys, salts = profile.key_length, profile.salt_length
    key = material[side * keys : (side + 1) * keys]
    return key + material[2 * keys + side * salts : 2 * keys + (side + 1) * salts]


def _session(key: bytes, direction: int, profile: SrtpProfile) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp)
    policy.window_size = 1024
    return Session(policy)
