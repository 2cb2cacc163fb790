"""DTLS handshakes and SRTP keys from aiortc. The one file on private names of aiortc.

Private names in use, and what to do when one vanishes (tests/media/test_seams.py fails by name):

    RTCDtlsTransport._setup_srtp    overridden: makes our SRTP sessions from the keying material (own replay rules)
    RTCDtlsTransport._set_role      or give the transport a `role` of "controlling": then it is DTLS server by itself
    RTCDtlsTransport._srtp_profiles or accept the library's order (AES-256 first, 0.01 us dearer)
    RTCDtlsTransport._ssl           or keep a reference through RTCCertificate._create_ssl_context
    RTCDtlsTransport._task          or accept a log line of asyncio when its pump ends with an exception
    RTCDtlsTransport._write_ssl, ._validate_peer_identity, ._state
                                    or be no client: then pictures begin a round trip later
    RTCCertificate._create_ssl_context
                                    wrapped: asks for a cookie; or do without, then a forged hello breaks a handshake
    transport._recv, transport._send, .role, .state     what it needs of an ICE transport; `_IceShape` has them

We are the DTLS server (`a=setup:passive`), unless the offer wants to be it; then nothing is kept of who has not shown that he gets what we
send to his address, which is a round trip (dtls_gate.py). As the client we speak first, and have keys when our last flight
goes out: the browser's key exchange is signed by the certificate of its offer then, and what is still to come only confirms it (False Start,
RFC 7918). So a browser far away sends and is sent pictures a round trip sooner.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL

from media.net.dtls_gate import DtlsGate, Verdict, hello_of, opening, verify_request
from media.net.srtp import SrtpSessions

log = logging.getLogger(__name__)

# What a browser would choose last among all of ours: as the client we offer this one alone.
CLIENT_PROFILES: Final = (SRTP_AEAD_AES_128_GCM,)
PROFILES: Final = (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80)
STRONG_DIGESTS: Final = frozenset({"sha-256", "sha-384", "sha-512"})
# A handshake is four flights of at most three datagrams; more in the queue than this is not a handshake.
MAX_QUEUE: Final = 32
HANDSHAKE_TIMEOUT_S: Final = 10.0
# A first hello that was lost: OpenSSL would wait a second. Together with the first less than the line's measurement takes (line_width.py).
HELLO_AGAIN_S: Final = (0.3, 0.6)
# Who has a seat and forges his source could have our flight sent to somebody else, and repeated: all repeats together stay below so
# many times what came (threat 4; QUIC has the same bound, RFC 9000 section 8.1).
MOST_REPLY: Final = 3
_OUR_LAST_FLIGHT: Final = b"SSLv3/TLS write finished"  # what OpenSSL calls a client's state then, in DTLS 1.2
COOKIE_BYTES: Final = 16


class DtlsFailed(Exception):
    """The handshake did not end in keys; the text says why."""


class WrongCertificate(DtlsFailed):
    """Somebody spoke who has not the key of who made the offer: a mistake of ours, or an attack on the way."""


class Certificate:
    """The key of this worker process; made anew at each start, never written."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        prints = {print_.algorithm: print_.value for print_ in self._certificate.getFingerprints()}
        self.sha256: str = prints["sha-256"]


def supported_fingerprints(prints: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (algorithm, value) pairs that we take: SHA-256 or better (reliability threat 2)."""
    return [(algorithm, value) for algorithm, value in prints if algorithm.lower() in STRONG_DIGESTS]


class _Asking:
    """A certificate whose handshakes begin with a cookie."""

    def __init__(self, certificate: RTCCertificate, cookie: bytes) -> None:
        self._certificate, self._cookie = certificate, cookie

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = self._certificate._create_ssl_context(srtp_profiles=srtp_profiles)
        asks: Any = SSL.OP_COOKIE_EXCHANGE
        context.set_options(asks)
        context.set_cookie_generate_callback(lambda _ssl: self._cookie)
        context.set_cookie_verify_callback(lambda _ssl, said: said == self._cookie)
        return context


class _IceShape:
    """What RTCDtlsTransport takes for an ICE transport: a bounded queue of DTLS datagrams in, a function out."""

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None], cookie: bytes) -> None:
        """cookie  as DtlsGate's."""
        self._emit = send
        self._cookie, self._gate = cookie, DtlsGate(cookie)
        self._is_told = False  # by us what OpenSSL would say next
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_QUEUE)
        self._ended = False
        self._received = self._sent = 0  # bytes
        self._heard = True  # something, since we last sent
        self._hello = b""  # where the hello that came last says which message it is
        self._answered = b""  # the one before our flight
        self._flight = b""

    def feed(self, datagram: bytes) -> bool:
        """Queue one DTLS datagram; False when the queue is full (the other side will repeat its flight), and when it is not let in."""
        verdict = self._gate.judge(datagram)
        if self._ended or self._queue.full() or verdict is Verdict.REFUSE:
            return False
        self._received += len(datagram)
        if verdict is Verdict.ASK:
            self._repeat(verify_request(self._cookie))
            return True
        hello = hello_of(datagram)
        if hello and hello == self._answered:
            self._repeat(self._flight)  # our answer was lost: OpenSSL would not say it again before a second has passed
            return True
        if verdict is Verdict.BEGIN:
            self._is_told = True
            self._queue.put_nowait(opening())
        self._hello = hello or self._hello
        self._heard = True
        self._queue.put_nowait(datagram)
        return True

    def end(self) -> None:
        self._ended = True
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = await self._queue.get()
        if datagram is None:
            raise ConnectionError("the peer is gone")
        return datagram

    async def _send(self, datagram: bytes) -> None:
        if self._is_told:
            self._is_told = False
            return
        if not self._heard:
            self._repeat(datagram)
            return
        self._heard = False
        self._flight, self._answered = datagram, self._hello
        self._sent += len(datagram)
        self._emit(datagram)

    def insist(self) -> None:
        """As the client: our hello again, while nothing has come."""
        if self._flight and not self._received and not self._ended:
            self._emit(self._flight)

    def _repeat(self, datagram: bytes) -> None:
        """Said without having been asked anew, or in place of what was lost."""
        if self._sent + len(datagram) <= MOST_REPLY * self._received:
            self._sent += len(datagram)
            self._emit(datagram)


class _Transport(RTCDtlsTransport):
    """aiortc's transport, except that the SRTP sessions are ours, and a client's are there when its last flight goes out."""

    sessions: SrtpSessions | None = None
    expected: RTCDtlsParameters
    on_keys: Callable[[], None] = staticmethod(lambda: None)
    _material = b""
    _is_judged = False

    def _setup_srtp(self) -> None:
        ssl: Any = self._ssl
        chosen = ssl.get_selected_srtp_profile()
        for profile in PROFILES:
            if profile.openssl_profile == chosen:
                self._use(profile)
                return
        raise DtlsFailed("no common SRTP profile")

    def _use(self, profile: SRTPProtectionProfile) -> None:
        """Client key, server key, client salt, server salt, in this order (RFC 5764 §4.2)."""
        ssl: Any = self._ssl
        material = ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length))
        if self.sessions is not None:
            if material != self._material:
                raise DtlsFailed("other keys at the end of the handshake than before")
            return
        self._material = material
        ours = 0 if self._role == "client" else 1
        receive, send = profile.get_key_and_salt(material, 1 - ours), profile.get_key_and_salt(material, ours)
        self.sessions = SrtpSessions(profile.openssl_profile.decode(), profile.libsrtp_profile, receive, send)

    async def _write_ssl(self) -> None:
        await super()._write_ssl()
        if self._role == "client" and not self._is_judged and self._said_all():
            self._is_judged = True
            self._validate_peer_identity(self.expected)
            self._setup_srtp()
            self.on_keys()

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:
        super()._validate_peer_identity(remoteParameters)
        if self._state is State.FAILED:
            raise WrongCertificate("the certificate is not the one of the offer")

    def _said_all(self) -> bool:
        """Whether our Finished is under way: the other side's certificate, signature and key share are read and checked then."""
        ssl: Any = self._ssl
        return bool(ssl.get_state_string() == _OUR_LAST_FLIGHT)


class DtlsPeer:
    """One peer's DTLS: feed it datagrams, await `handshake` once, `close` it at the end."""

    def __init__(
        self,
        certificate: Certificate,
        fingerprints: Sequence[tuple[str, str]],
        send: Callable[[bytes], None],
        on_closed: Callable[[], None],
        is_client: bool = False,
    ) -> None:
        """fingerprints  (algorithm, value) of the browser's certificate, from its offer.
        send          called with each datagram that must go out; must not raise.
        on_closed     called once if the browser ends the connection after `handshake` (close_notify), or as our client does not end the handshake.
        is_client     the browser is the DTLS server.
        """
        self._fingerprints = supported_fingerprints(fingerprints)
        cookie = b"" if is_client else secrets.token_bytes(COOKIE_BYTES)
        self._ice = _IceShape(send, cookie)
        self._on_closed = on_closed
        ice: Any = self._ice
        shown: Any = _Asking(certificate._certificate, cookie) if cookie else certificate._certificate
        self._transport = _Transport(ice, [shown])
        self._transport._srtp_profiles = list(CLIENT_PROFILES if is_client else PROFILES)
        self._transport._set_role("client" if is_client else "server")
        self._is_client = is_client
        self._rest: asyncio.Task[None] | None = None
        self._closing = False

    def feed(self, datagram: bytes) -> bool:
        """One datagram from the nominated address whose first byte says DTLS. False: dropped, queue full or not to be listened to."""
        return self._ice.feed(datagram)

    async def handshake(self, timeout_s: float = HANDSHAKE_TIMEOUT_S) -> SrtpSessions:
        """Run the handshake and give the SRTP sessions. Raises DtlsFailed, and nothing else but CancelledError."""
        if not self._fingerprints:
            raise DtlsFailed("no certificate fingerprint of SHA-256 or better")
        parameters = RTCDtlsParameters(
            [RTCDtlsFingerprint(algorithm, value) for algorithm, value in self._fingerprints]
        )
        if self._is_client:
            return await self._as_client(parameters, timeout_s)
        await self._complete(parameters, timeout_s)
        return self._keys()

    async def _complete(self, parameters: RTCDtlsParameters, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._transport.start(parameters)
        except TimeoutError as error:
            raise DtlsFailed("handshake timed out") from error
        except DtlsFailed:
            raise
        except Exception as error:  # the library's own faults end this peer, never the worker
            log.exception("DTLS handshake broke")
            raise DtlsFailed(f"handshake broke: {type(error).__name__}") from error

    async def _as_client(self, parameters: RTCDtlsParameters, timeout_s: float) -> SrtpSessions:
        """Ends when the keys are there; the handshake goes on, and `on_closed` hears if it fails."""
        loop = asyncio.get_running_loop()
        keys: asyncio.Future[None] = loop.create_future()
        self._transport.expected = parameters
        self._transport.on_keys = lambda: _tell(keys)
        for wait_s in HELLO_AGAIN_S:
            loop.call_later(wait_s, self._ice.insist)
        self._rest = asyncio.create_task(self._complete(parameters, timeout_s), name="dtls-client")
        try:
            await asyncio.wait({self._rest, keys}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._rest.cancel()
            raise
        if self._rest.done():
            self._rest.result()
            return self._keys()
        self._rest.add_done_callback(self._completed)
        assert self._transport.sessions is not None
        return self._transport.sessions

    def _completed(self, rest: asyncio.Future[None]) -> None:
        """Of a client who has his keys already."""
        try:
            rest.result()
            self._keys()
        except asyncio.CancelledError:
            return
        except DtlsFailed as failure:
            if not self._closing:
                log.info("peer dropped: %s", failure)
                self._on_closed()

    def _keys(self) -> SrtpSessions:
        sessions, pump = self._transport.sessions, self._transport._task
        if self._transport.state != "connected" or sessions is None or pump is None:
            raise DtlsFailed("handshake refused")
        pump.add_done_callback(self._ended)
        return sessions

    def _ended(self, pump: asyncio.Future[None]) -> None:
        if pump.cancelled():
            return
        if error := pump.exception():
            log.warning("DTLS pump ended: %s", type(error).__name__)
        if not self._closing:
            self._on_closed()

    async def close(self) -> None:
        """Send close_notify and stop. Sends nothing more afterwards."""
        if self._closing:
            return
        self._closing = True
        await self._transport.stop()
        self._ice.end()
        if self._rest is not None:
            self._rest.cancel()


def _tell(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
