"""The keys that we sign packs with. For trials we are our own authority; outside of them a certificate is configured.

data/keys/evidence/  ca.pem  signer.pem signer.key (EC P-256)  clock.pem clock.key (RSA 2048: what pyHanko's own time-stamp authority signs with)

Who has the disk has these keys: they show who made a pack, not that its maker is honest. That is what an outside authority's time stamps are for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

# Packs are checked years later; a trial authority that ran out would only raise questions.
VALID: Final = timedelta(days=20 * 365)
_BACKWARDS: Final = timedelta(days=1)  # clocks of checkers may be behind ours

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key (PKCS #8, PEM) and its certificate with all above it (PEM, the signer's own first)."""

    key: Path
    chain: Path


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs packs, and, when no outside authority is configured, who stamps them."""

    signer: Credential
    clock: Credential


def open_identity(folder: Path, now: datetime) -> Identity:
    """The trial authority of `folder`, made when it is not there. Raises OSError."""
    identity = Identity(
        Credential(folder / "signer.key", folder / "signer.pem"), Credential(folder / "clock.key", folder / "clock.pem")
    )
    # clock.pem is written last: what is there without it was never finished.
    if not identity.clock.chain.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(folder, identity, now)
    return identity


def _make(folder: Path, identity: Identity, now: datetime) -> None:
    """Three keys; that of the authority itself is forgotten at once, so that nobody signs a fourth."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Laizuo trial authority")
    ca = (
        _builder(ca_name, ca_name, ca_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    _write(folder / "ca.pem", _pem(ca))
    signer_key = ec.generate_private_key(ec.SECP256R1())
    signer = (
        _builder(_name("Laizuo trial signer"), ca_name, signer_key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    _store(identity.signer, signer_key, (signer, ca))
    clock_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    clock = (
        _builder(_name("Laizuo trial clock"), ca_name, clock_key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    _store(identity.clock, clock_key, (clock, ca))


def _builder(subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKWARDS)
        .not_valid_after(now + VALID)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=not sign_certificates, key_cert_sign=sign_certificates, crl_sign=sign_certificates,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _store(credential: Credential, key: PrivateKey, chain: tuple[x509.Certificate, ...]) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(credential.key, pem)
    _write(credential.chain, b"".join(map(_pem, chain)))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    """Readable by its owner only, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
