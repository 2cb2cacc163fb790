"""Signatures and time stamps of a pack: what they say, and whether they hold (EVIDENCE.md, section 9). No I/O, no clock.

A CMS signature (RFC 5652) or RFC 3161 token holds when its signer's certificate, which it brings, signed these bytes, and each certificate
up to a self-signed one was signed by the next. Whether that last one is to be believed only the reader can know: its fingerprint is told,
and compared with those that the reader trusts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from media.record.chain import sha256

# A clock of the recorder and one of an authority are apart by no more; beyond it one of them was set, or a date was changed.
CLOCKS_APART = timedelta(seconds=10)


class BadProof(ValueError):
    """The signature or token does not hold; the message says why in words."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed. root is the SHA-256 of the last certificate of the chain, in hex."""

    name: str
    fingerprint: str
    root: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time stamp says: these bytes' digest existed at this instant."""

    imprint: bytes
    at: datetime
    signer: Signer


def read_signature(encoded: bytes, content: bytes, *, padded: bool = False) -> Signer:
    """Who signed `content`, by a detached CMS signature. padded: zeros may follow, as in a PDF. Raises BadProof."""
    try:
        return _signer(_signed_data(encoded, strict=not padded), content, "data")
    except BadProof:
        raise
    except Exception as error:  # parsers of hostile DER raise whatever they like; all of it means the same
        raise BadProof(f"is not a readable signature ({type(error).__name__})") from error


def read_stamp(encoded: bytes) -> Stamp:
    """What an RFC 3161 token says, its signature checked. Raises BadProof."""
    try:
        signed = _signed_data(encoded)
        info = signed["encap_content_info"]["content"].parsed
        if not isinstance(info, tsp.TSTInfo):
            raise BadProof("is not a time stamp")
        signer = _signer(signed, signed["encap_content_info"]["content"].contents, "tst_info")
        imprint = info["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native != "sha256":
            raise BadProof("is not over a SHA-256 digest")
        return Stamp(imprint["hashed_message"].native, info["gen_time"].native.astimezone(UTC), signer)
    except BadProof:
        raise
    except Exception as error:  # as above
        raise BadProof(f"is not a readable time stamp ({type(error).__name__})") from error


def _signed_data(encoded: bytes, *, strict: bool = True) -> Any:
    info = cms.ContentInfo.load(encoded, strict=strict)
    if info["content_type"].native != "signed_data":
        raise BadProof("is not signed data")
    return info["content"]


def _signer(signed: Any, content: bytes, content_type: str) -> Signer:
    certificates = extract_certificate_info(signed)
    [signer_info] = signed["signer_infos"]
    method = hashes.Hash(_HASHES[signer_info["digest_algorithm"]["algorithm"].native])
    method.update(content)
    intact, valid = validate_sig_integrity(signer_info, certificates.signer_cert, content_type, method.finalize())
    if not intact:
        raise BadProof("is over other bytes")
    if not valid:
        raise BadProof("was not made with the key of its certificate")
    if not signer_info["signed_attrs"]:
        raise BadProof("has no signed attributes")
    chain = _chain(certificates.signer_cert.dump(), [other.dump() for other in certificates.other_certs])
    return Signer(_name(chain[0]), _fingerprint(chain[0]), _fingerprint(chain[-1]))


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def _chain(first: bytes, others: list[bytes]) -> list[x509.Certificate]:
    """From the signer up to whoever signed themselves, or as far as the certificates given reach."""
    chain = [x509.load_der_x509_certificate(first)]
    pool = [x509.load_der_x509_certificate(other) for other in others]
    while chain[-1].issuer != chain[-1].subject:
        above = next((one for one in pool if one.subject == chain[-1].issuer and one not in chain), None)
        if above is None:
            return chain
        try:
            chain[-1].verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            raise BadProof("brings a certificate that its issuer did not sign") from None
        chain.append(above)
    return chain


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def manifest_imprint(digest_member: bytes) -> bytes:
    """What the time stamp of a whole pack is over."""
    return sha256(digest_member)
