"""The private names of aiortc and pylibsrtp that we stand on. Each failure says what to do when the name is gone."""

from __future__ import annotations

import asyncio
import inspect

import pylibsrtp
import pytest
from aiortc import rtcdtlstransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from OpenSSL import SSL

from media.net.dtls import MAX_QUEUE, Certificate, DtlsFailed, DtlsPeer
from media.net.srtp import OK, SrtpBuffer, SrtpSessions, protect, unprotect
from tests.support.forged_dtls import hello
from tests.support.rtc_handshake import Certificate as BrowserCertificate


def test_private_methods_of_the_dtls_transport() -> None:
    advice = "media/net/dtls.py says at its head what to do instead"
    assert list(inspect.signature(RTCDtlsTransport._setup_srtp).parameters) == ["self"], advice
    assert list(inspect.signature(RTCDtlsTransport._set_role).parameters) == ["self", "role"], advice
    source = inspect.getsource(RTCDtlsTransport)
    for name in (
        "self._srtp_profiles",
        "self._ssl",
        "self._task",
        "self.transport._recv()",
        "self.transport._send(",
        "self._setup_srtp()",
        "await self._write_ssl()",
        "self._validate_peer_identity(remoteParameters)",
    ):
        assert name in source, f"{name} is gone: {advice}"
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"], advice
    assert SSL.OP_COOKIE_EXCHANGE, advice
    assert list(inspect.signature(RTCDtlsTransport.__init__).parameters) == ["self", "transport", "certificates"], (
        advice
    )


def test_profiles_and_certificate() -> None:
    profile = rtcdtlstransport.SRTP_AEAD_AES_128_GCM
    assert (profile.openssl_profile, profile.key_length, profile.salt_length) == (b"SRTP_AEAD_AES_128_GCM", 16, 12)
    assert profile.get_key_and_salt(bytes(range(56)), 0) == bytes(range(16)) + bytes(range(32, 44))
    assert {f.algorithm for f in RTCCertificate.generateCertificate().getFingerprints()} >= {"sha-256"}


def test_private_names_of_pylibsrtp() -> None:
    advice = "Session.protect and .unprotect do the same slower: media/net/srtp.py"
    session = pylibsrtp.Session()
    assert hasattr(session, "_srtp"), advice
    binding = pylibsrtp._binding
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp", "srtp_err_status_ok"):
        assert hasattr(binding.lib, name), f"{name}: {advice}"


def test_in_place_srtp_gives_back_what_it_took_and_refuses_a_repeat() -> None:
    key = bytes(28)
    sender = SrtpSessions("x", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, key, key)
    receiver = SrtpSessions("x", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, key, key)
    packet = b"\x80\x6f\x00\x01" + bytes(8) + b"hello"
    buffer = SrtpBuffer()

    buffer.data[: len(packet)] = packet
    buffer.length[0] = len(packet)
    assert protect(sender.tx, buffer.c, buffer.length) == OK
    assert buffer.length[0] == len(packet) + 16
    protected = bytes(buffer.view[: buffer.length[0]])
    assert unprotect(receiver.rx, buffer.c, buffer.length) == OK
    assert bytes(buffer.view[: buffer.length[0]]) == packet
    assert protected[12:] != packet[12:]

    buffer.data[: len(packet)] = (
        packet[:-1] + b"!"
    )  # the same number, other bytes: the key stream must not be used twice
    buffer.length[0] = len(packet)
    assert protect(sender.tx, buffer.c, buffer.length) != OK


async def handshake(prints: list[tuple[str, str]]) -> None:
    sent: list[bytes] = []
    peer = DtlsPeer(Certificate(), prints, sent.append, lambda: None)
    try:
        await peer.handshake(timeout_s=0.3)
    finally:
        await peer.close()


async def test_a_handshake_that_nobody_answers_ends_in_time() -> None:
    with pytest.raises(DtlsFailed, match="timed out"):
        await handshake([("sha-256", BrowserCertificate().fingerprint)])


async def test_a_weak_fingerprint_is_no_fingerprint() -> None:
    with pytest.raises(DtlsFailed, match="SHA-256"):
        await handshake([("sha-1", "AA:BB")])


async def test_garbage_records_never_raise_and_the_queue_is_bounded() -> None:
    sent: list[bytes] = []
    peer = DtlsPeer(Certificate(), [("sha-256", BrowserCertificate().fingerprint)], sent.append, lambda: None)
    task = asyncio.create_task(peer.handshake(timeout_s=0.5))
    assert not any(peer.feed(bytes([22, 254, 253]) + bytes(i % 200)) for i in range(100))
    fed = [peer.feed(hello(peer._ice._cookie, 1 + i)) for i in range(100)]

    with pytest.raises(DtlsFailed):
        await task
    await peer.close()

    assert fed.count(True) == MAX_QUEUE - 1  # and the opening before them
    assert not peer.feed(b"\x16\xfe\xfd")
