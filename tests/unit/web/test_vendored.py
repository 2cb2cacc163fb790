"""Vendored files are what their vendor.toml says, byte by byte, and nothing else lies among them."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FOLDERS = sorted([*(ROOT / "web/static/vendor").iterdir(), *(ROOT / "tests/vendor").iterdir()])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_have_their_digests(folder: Path) -> None:
    facts = tomllib.loads((folder / "vendor.toml").read_text())

    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "vendor.toml"
    }

    assert found == facts["sha256"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_origin_is_told_without_an_address(folder: Path) -> None:
    text = (folder / "vendor.toml").read_text()
    facts = tomllib.loads(text)

    assert folder.name.endswith(f"-{facts['version']}")
    assert facts["licence"] in ("MIT", "ISC", "Apache-2.0", "MPL-2.0", "BSD-3-Clause")
    assert (folder / "LICENSE").stat().st_size > 500
    assert "://" not in text
