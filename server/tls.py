"""TLS of the web process: the operator's certificate files, or a self-signed one for a trial in the local network."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.config import ConfigError, Settings, Tls

VALID_FOR = dt.timedelta(days=397)  # the longest that browsers accept
RENEW_BEFORE = dt.timedelta(days=30)


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """The context of `settings.tls`; None: plain HTTP.

    Raises  ConfigError when a file does not hold what it should.
    """
    if settings.tls is None:
        return None
    files = settings.tls if isinstance(settings.tls, Tls) else self_signed(settings.data / "tls", settings.host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"tls: {files.certificate} and {files.key} do not work together: {error}") from error
    return context


def self_signed(folder: Path, host: str) -> Tls:
    """The certificate kept in `folder`; made when missing, for other names, or about to end."""
    files = Tls(folder / "certificate.pem", folder / "key.pem")
    names = _names(host)
    if not _is_good(files, names, dt.datetime.now(dt.UTC)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(files, names, dt.datetime.now(dt.UTC))
    return files


def _names(host: str) -> list[x509.GeneralName]:
    """What people in the local network may type: this machine's name and addresses."""
    names = {"localhost", socket.gethostname()}
    addresses = {"127.0.0.1", "::1"}
    try:
        addresses.add(str(ipaddress.ip_address(host)))
    except ValueError:
        names.add(host)
    for *_, address in socket.getaddrinfo(socket.gethostname(), None) if _knows_itself() else []:
        addresses.add(str(address[0]).partition("%")[0])
    specific = sorted(address for address in addresses if not ipaddress.ip_address(address).is_unspecified)
    return [
        *(x509.DNSName(name) for name in sorted(names) if name),
        *(x509.IPAddress(ipaddress.ip_address(a)) for a in specific),
    ]


def _knows_itself() -> bool:
    try:
        socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return False
    return True


def _is_good(files: Tls, names: list[x509.GeneralName], now: dt.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        kept = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return files.key.is_file() and set(names) <= set(kept) and certificate.not_valid_after_utc - RENEW_BEFORE > now


def _make(files: Tls, names: list[x509.GeneralName], now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Laizuo, self-signed")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_private(
        files.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
