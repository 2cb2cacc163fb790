"""We as the DTLS client: keys when our last flight goes out, and nothing for who is not the one of the offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from OpenSSL import SSL

from media.net.dtls import Certificate, DtlsFailed, DtlsPeer, WrongCertificate, _IceShape
from media.net.srtp import SrtpSessions
from tests.support.eventually import eventually
from tests.support.forged_dtls import FATAL_ALERT, hello, message
from tests.support.rtc_handshake import Certificate as BrowserCertificate

PROFILES = b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM"  # in Chromium's order
CERTIFICATE = 11


class Browser:
    """A DTLS server that is handed its datagrams by the test."""

    def __init__(self, profiles: bytes = PROFILES) -> None:
        self.certificate = BrowserCertificate()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self.certificate.certificate)
        context.use_privatekey(self.certificate.key)
        context.set_tlsext_use_srtp(profiles)
        self.ssl = SSL.Connection(context)
        self.ssl.set_accept_state()
        self.is_done = False

    def answer(self, datagram: bytes) -> bytes:
        """What it says to this."""
        self.ssl.bio_write(datagram)
        try:
            self.ssl.do_handshake()
            self.is_done = True
        except SSL.WantReadError:
            pass
        return self.ssl.bio_read(4000)


class Meeting:
    """Our client and a browser; the test carries what they say."""

    def __init__(self, browser: Browser, expected: str) -> None:
        self.browser = browser
        self.sent: list[bytes] = []
        self.closed = 0
        self.peer = DtlsPeer(Certificate(), [("sha-256", expected)], self.sent.append, self._on_closed, is_client=True)
        self.keys: asyncio.Task[SrtpSessions] = asyncio.create_task(self.peer.handshake())

    def _on_closed(self) -> None:
        self.closed += 1

    async def said(self, number: int) -> bytes:
        """Our datagram of this number, from 0."""
        await eventually(lambda: None if len(self.sent) > number else f"only {len(self.sent)} datagrams were sent")
        return self.sent[number]

    async def until_our_last_flight(self) -> bytes:
        """The browser's flight, which we have answered."""
        flight = self.browser.answer(await self.said(0))
        assert self.peer.feed(flight)
        await self.said(1)
        return flight


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    browser = Browser()
    made = Meeting(browser, browser.certificate.fingerprint)
    yield made
    made.keys.cancel()
    await asyncio.gather(made.keys, return_exceptions=True)
    await made.peer.close()


async def test_keys_are_there_before_the_browser_confirms_them(meeting: Meeting) -> None:
    await meeting.until_our_last_flight()
    keys = await meeting.keys

    confirmed = meeting.browser.answer(meeting.sent[1])
    assert meeting.browser.is_done
    assert meeting.browser.ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"
    assert keys.profile == "SRTP_AEAD_AES_128_GCM"
    material = meeting.browser.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 56)
    assert meeting.peer._transport._material == material

    assert meeting.peer.feed(confirmed)
    await eventually(lambda: None if meeting.peer._transport.state == "connected" else "not complete")
    assert meeting.closed == 0


async def test_the_browsers_good_bye_is_heard(meeting: Meeting) -> None:
    await meeting.until_our_last_flight()
    await meeting.keys
    meeting.peer.feed(meeting.browser.answer(meeting.sent[1]))
    await eventually(lambda: None if meeting.peer._transport.state == "connected" else "not complete")

    meeting.browser.ssl.shutdown()
    meeting.peer.feed(meeting.browser.ssl.bio_read(4000))
    await eventually(lambda: None if meeting.closed == 1 else "not told")


async def test_a_last_flight_that_was_lost_is_said_again_at_once(meeting: Meeting) -> None:
    flight = await meeting.until_our_last_flight()
    await meeting.keys

    assert meeting.peer.feed(flight)
    assert meeting.sent[2] == meeting.sent[1]


async def test_who_is_not_the_one_of_the_offer_gets_no_keys() -> None:
    made = Meeting(Browser(), BrowserCertificate().fingerprint)
    await made.until_our_last_flight()
    with pytest.raises(WrongCertificate, match="not the one of the offer"):
        await made.keys
    await made.peer.close()


async def test_a_browser_without_our_profile_gets_no_keys() -> None:
    browser = Browser(b"SRTP_AES128_CM_SHA1_80")
    made = Meeting(browser, browser.certificate.fingerprint)
    await made.until_our_last_flight()
    with pytest.raises(DtlsFailed, match="no common SRTP profile"):
        await made.keys
    await made.peer.close()


async def test_a_handshake_that_is_broken_off_after_the_keys_ends_the_connection(meeting: Meeting) -> None:
    await meeting.until_our_last_flight()
    await meeting.keys

    meeting.peer.feed(message(CERTIFICATE, bytes(60), 5))  # a second one
    await eventually(lambda: None if meeting.closed == 1 else "the connection stands")


@pytest.mark.parametrize("forged", [hello(), hello(bytes(16), 1), FATAL_ALERT], ids=["hello", "second hello", "alert"])
async def test_what_nobody_says_to_a_client_disturbs_no_handshake(meeting: Meeting, forged: bytes) -> None:
    await meeting.said(0)

    assert not meeting.peer.feed(forged)
    await meeting.until_our_last_flight()

    assert (await meeting.keys).profile == "SRTP_AEAD_AES_128_GCM"


async def test_a_hello_is_said_again_until_something_comes() -> None:
    sent: list[bytes] = []
    ice = _IceShape(sent.append, b"")
    ice.insist()
    await ice._send(b"\x16hello")
    ice.insist()
    assert sent == [b"\x16hello"] * 2
    ice.feed(b"\x16" + bytes(40))
    ice.insist()
    assert sent == [b"\x16hello"] * 2
