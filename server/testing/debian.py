"""Packages of Debian for the tests: installed by root where apt is, without the daemons that some of them would start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SYSTEMD_RUNS = Path("/run/systemd/system")
# Another apt may be at work, as after the start of a machine; and a mirror may stutter.
PATIENT = ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_line(packages: Sequence[str]) -> str:
    return f"as root: apt-get install -y --no-install-recommends {' '.join(packages)}"


def install(packages: Sequence[str], services: Sequence[str] = ()) -> bool:
    """One call of apt for all, of the versions that Debian has today; whether they are there now.

    services    what the packages would start and keep starting: the tests run programs of their own, on ports of their own
    """
    # In runlevel 1 no package starts anything where init scripts are; systemd asks nobody, so there it is ended and switched off again.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, *PATIENT]
    _run(
        ["apt-get", "update", "-q", *PATIENT], environ
    )  # a fresh image has no package lists, an old one those of old versions
    done = _run(command, environ)
    if services and SYSTEMD_RUNS.is_dir():
        _run(["systemctl", "disable", "--now", *services], environ)
    return done


def _run(command: list[str], environ: dict[str, str]) -> bool:
    return subprocess.run(command, env=environ, stdout=sys.stderr, check=False).returncode == 0
