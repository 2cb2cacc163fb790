"""The browser stand-in's side of DTLS-SRTP, by pyOpenSSL and pylibsrtp alone."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from contextlib import suppress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

AGAIN_S = 0.2  # a flight that was lost


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


class Handshake:
    """Use: `await shake(fingerprint)` while `take` gets what comes; then `tx` and `rx` are there and `is_done` is set."""

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self.is_done = asyncio.Event()
        self.is_closed_by_peer = False
        self.tx: Session | None = None
        self.rx: Session | None = None
        self._certificate, self._send = certificate, send
        self._remote_fingerprint = ""
        self._ssl: SSL.Connection | None = None

    async def shake(self, remote_fingerprint: str) -> None:
        """Raises nothing: whoever waits for `is_done` sees that it does not come."""
        self._remote_fingerprint = remote_fingerprint
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self._certificate.certificate)
        context.use_privatekey(self._certificate.key)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM")
        self._ssl = SSL.Connection(context)
        self._ssl.set_ciphertext_mtu(1200)
        self._ssl.set_connect_state()
        self._advance(self._ssl)
        while not self.is_done.is_set():
            await asyncio.sleep(AGAIN_S)
            if not self.is_done.is_set():
                with suppress(SSL.Error):
                    self._ssl.DTLSv1_handle_timeout()
                self._flush(self._ssl)

    def take(self, data: bytes) -> None:
        """A DTLS datagram that came."""
        if self._ssl is None:
            return
        self._ssl.bio_write(data)
        if not self.is_done.is_set():
            with suppress(SSL.Error):
                self._advance(self._ssl)
            return
        try:
            self._ssl.recv(1500)
        except SSL.ZeroReturnError:
            self.is_closed_by_peer = True
        except SSL.Error:
            pass

    def say_goodbye(self) -> None:
        """close_notify."""
        assert self._ssl is not None
        with suppress(SSL.Error):
            self._ssl.shutdown()
        self._flush(self._ssl)

    def _advance(self, ssl: SSL.Connection) -> None:
        try:
            ssl.do_handshake()
        except SSL.WantReadError:
            self._flush(ssl)
            return
        self._flush(ssl)
        self._take_keys(ssl)

    def _flush(self, ssl: SSL.Connection) -> None:
        with suppress(SSL.Error):
            while data := ssl.bio_read(1500):
                self._send(data)

    def _take_keys(self, ssl: SSL.Connection) -> None:
        assert ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM", "the worker prefers GCM-128"
        shown = ssl.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        assert shown.fingerprint(hashes.SHA256()).hex(":").upper() == self._remote_fingerprint
        material = ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 56)
        ours, theirs = material[:16] + material[32:44], material[16:32] + material[44:56]
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self.tx = Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self.rx = Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        self.is_done.set()
