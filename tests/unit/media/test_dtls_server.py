"""We as the DTLS server: who only forges a browser's address has nothing to say in its handshake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from OpenSSL import SSL

from media.net.dtls import Certificate, DtlsPeer
from media.net.srtp import SrtpSessions
from tests.support.eventually import eventually
from tests.support.forged_dtls import FATAL_ALERT, hello, message
from tests.support.rtc_handshake import Certificate as BrowserCertificate

FORGED = {
    "hello": hello(),
    "hello far ahead": b"\x16\xfe\xfd\0\0\x0f" + hello()[6:],
    "hello that is none": hello()[:60] + b"\xff" * 44,
    "piece of a hello": hello()[:21] + b"\x09" + hello()[22:],
    "hello with a guessed cookie": hello(bytes(16)),
    "second hello with a guessed cookie": hello(bytes(16), 1),
    "alert": FATAL_ALERT,
    "message of a server": message(2, bytes(60)),
    "message of later": message(16, bytes(66)),
}


class Meeting:
    """Our server and a browser; the test carries what they say."""

    def __init__(self) -> None:
        certificate = BrowserCertificate()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.key)
        context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
        self.browser = SSL.Connection(context)
        self.browser.set_connect_state()
        self.sent: list[bytes] = []
        self.read = 0
        self.peer = DtlsPeer(Certificate(), [("sha-256", certificate.fingerprint)], self.sent.append, lambda: None)
        self.keys: asyncio.Task[SrtpSessions] = asyncio.create_task(self.peer.handshake())

    def step(self) -> bytes:
        """What the browser says to all that we have said since."""
        for datagram in self.sent[self.read :]:
            self.browser.bio_write(datagram)
        self.read = len(self.sent)
        try:
            self.browser.do_handshake()
        except SSL.WantReadError:
            pass
        try:
            return self.browser.bio_read(4000)
        except SSL.WantReadError:
            return b""

    async def said(self, number: int) -> None:
        await eventually(lambda: None if len(self.sent) > number else f"only {len(self.sent)} datagrams were sent")

    async def ends(self, first: bytes) -> SrtpSessions:
        """Carry everything, the browser's first hello to begin with, until there are keys."""
        self.peer.feed(first)

        def carried() -> str | None:
            said = self.step()
            if said:
                self.peer.feed(said)
            return None if self.keys.done() else "no keys"

        await eventually(carried)
        return self.keys.result()


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    made = Meeting()
    yield made
    made.keys.cancel()
    await asyncio.gather(made.keys, return_exceptions=True)
    await made.peer.close()


async def test_a_browser_gets_its_keys(meeting: Meeting) -> None:
    keys = await meeting.ends(meeting.step())

    assert keys.profile == "SRTP_AEAD_AES_128_GCM"


@pytest.mark.parametrize("forged", FORGED)
async def test_what_is_forged_before_its_hello_disturbs_no_handshake(meeting: Meeting, forged: str) -> None:
    """Whatever we answer to it goes to the browser, which has said its own hello by then."""
    first = meeting.step()

    meeting.peer.feed(FORGED[forged])
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert (await meeting.ends(first)).profile == "SRTP_AEAD_AES_128_GCM"


@pytest.mark.parametrize("forged", FORGED)
async def test_nor_what_is_forged_behind_it(meeting: Meeting, forged: str) -> None:
    first = meeting.step()
    meeting.peer.feed(first)
    await meeting.said(0)

    meeting.peer.feed(FORGED[forged])
    second = meeting.step()

    assert (await meeting.ends(second)).profile == "SRTP_AEAD_AES_128_GCM"


async def test_to_a_hello_from_anywhere_we_say_hardly_more_than_it_did(meeting: Meeting) -> None:
    """Our certificate and key are for who has the address."""
    first = hello()
    meeting.peer.feed(first)
    await meeting.said(0)

    assert sum(map(len, meeting.sent)) <= len(first)
