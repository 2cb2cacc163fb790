"""Signs and stamps by pyHanko: detached CMS signatures, and RFC 3161 tokens of our own authority or of an outside one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from asn1crypto import keys, pem, x509
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.timestamps import DummyTimeStamper, HTTPTimeStamper, TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from media.record.chain import sha256
from media.record.packs.proofs import BadProof, read_stamp
from server.evidence.identity import Credential, Identity

# An outside authority answers within a second; a pack waits no longer for it, and is stamped later.
PATIENCE_S = 8

Clock = Callable[[], datetime]


class AuthorityAway(Exception):
    """No time stamp now; come again. The message says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where time stamps come from: url of an outside authority (RFC 3161 over HTTP), empty for our own."""

    url: str
    identity: Identity
    clock: Clock

    @property
    def name(self) -> str:
        """For people."""
        return self.url or "Laizuo trial clock"

    def stamper(self) -> TimeStamper:
        """For pyHanko."""
        if self.url:
            return HTTPTimeStamper(self.url, timeout=PATIENCE_S)
        certificate, *others = _certificates(self.identity.clock)
        return DummyTimeStamper(
            certificate, _key(self.identity.clock), _store(others), fixed_dt=self.clock().replace(microsecond=0)
        )


async def stamp(authority: Authority, imprint: bytes) -> bytes:
    """A token over a SHA-256 digest, already checked. Raises AuthorityAway."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            token = await authority.stamper().async_timestamp(imprint, "sha256")
            encoded: bytes = token.dump()
        if read_stamp(encoded).imprint != imprint:
            raise AuthorityAway("the authority stamped something else")
    except (aiohttp.ClientError, TimestampRequestError, TimeoutError, OSError, BadProof, ValueError) as error:
        raise AuthorityAway(f"{type(error).__name__}: {error}"[:200]) from error
    return encoded


async def sign(identity: Identity, content: bytes) -> bytes:
    """A detached CMS signature over `content`."""
    signed = await signer_of(identity.signer).async_sign_general_data(content, "sha256", detached=True)
    encoded: bytes = signed.dump()
    return encoded


def signer_of(credential: Credential) -> SimpleSigner:
    """For pyHanko. Raises OSError, ValueError."""
    certificate, *others = _certificates(credential)
    return SimpleSigner(certificate, _key(credential), _store(others))


def fingerprint(credential: Credential) -> str:
    """SHA-256 of the signer's certificate, in hex."""
    return sha256(_certificates(credential)[0].dump()).hex()


def root_fingerprint(credential: Credential) -> str:
    """SHA-256 of the last certificate above the signer, in hex: what a checker compares."""
    return sha256(_certificates(credential)[-1].dump()).hex()


def _certificates(credential: Credential) -> list[x509.Certificate]:
    return [x509.Certificate.load(der) for _, _, der in pem.unarmor(credential.chain.read_bytes(), multiple=True)]


def _key(credential: Credential) -> keys.PrivateKeyInfo:
    _, _, der = pem.unarmor(credential.key.read_bytes())
    return keys.PrivateKeyInfo.load(der)


def _store(certificates: list[x509.Certificate]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko types its arguments, not this constructor
    for certificate in certificates:
        store.register(certificate)
    return store
