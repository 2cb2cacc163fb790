"""The self-signed certificate of a trial: kept, renewed in time, private."""

from __future__ import annotations

import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from server import tls
from server.config import ConfigError, Settings, Tls


def names(files: Tls) -> set[str]:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    kept = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in kept}


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    first = tls.self_signed(tmp_path / "tls", "192.168.7.7").certificate.read_bytes()
    again = tls.self_signed(tmp_path / "tls", "192.168.7.7")

    assert again.certificate.read_bytes() == first
    assert {"localhost", "127.0.0.1", "192.168.7.7"} <= names(again)


def test_another_address_needs_another_one(tmp_path: Path) -> None:
    tls.self_signed(tmp_path / "tls", "192.168.7.7")

    assert "192.168.7.8" in names(tls.self_signed(tmp_path / "tls", "192.168.7.8"))


def test_the_wildcard_address_is_not_a_name(tmp_path: Path) -> None:
    assert "0.0.0.0" not in names(tls.self_signed(tmp_path / "tls", "0.0.0.0"))


def test_one_about_to_end_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "VALID_FOR", dt.timedelta(days=5))
    old = tls.self_signed(tmp_path / "tls", "localhost").certificate.read_bytes()
    monkeypatch.undo()

    assert tls.self_signed(tmp_path / "tls", "localhost").certificate.read_bytes() != old


def test_the_key_is_nobody_elses(tmp_path: Path) -> None:
    files = tls.self_signed(tmp_path / "tls", "localhost")

    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.key.parent.stat().st_mode) == 0o700


def test_a_context_speaks_tls_12_and_later(tmp_path: Path) -> None:
    context = tls.server_context(Settings(data=tmp_path, tls="self-signed"))

    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_plain_http_has_none() -> None:
    assert tls.server_context(Settings()) is None


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    one, two = tls.self_signed(tmp_path / "one", "localhost"), tls.self_signed(tmp_path / "two", "localhost")

    with pytest.raises(ConfigError, match="do not work together"):
        tls.server_context(Settings(tls=Tls(one.certificate, two.key)))
