"""coturn with the settings of deploy/turnserver.conf, on loopback: only certificate, ports and the one peer that may be reached differ."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server import tls
from tests.support.eventually import wait_until
from tests.support.product import ROOT
from tests.support.tcp_only import free_port
from tests.support.tools import program

SECRET = b"a-secret-for-tests"
WORKER = "127.0.0.1"  # the only private address it relays to
WORKER_6 = "::1"  # the same where the relay has IPv6
_OURS = ("cert=", "pkey=", "listening-port=", "tls-listening-port=")
_CLOSED = ("denied-peer-ip=0.0.0.0-255.", "denied-peer-ip=::-")


@contextmanager
def turn_server(directory: Path, worker: str = WORKER, *, opened: bool = False, secure: bool = False) -> Iterator[int]:
    """Its port at the worker's own address: UDP and TCP, or `secure`, TLS and DTLS with a throw-away certificate.

    `opened` to the network outside, as a site may want it. Fails the test, saying what to install, where coturn is not found.
    """
    coturn = program("turnserver")
    settings, log, port = directory / "turnserver.conf", directory / "turnserver.log", free_port()
    lines = (ROOT / "deploy/turnserver.conf").read_text(encoding="utf-8").splitlines()
    without = _OURS + (_CLOSED if opened else ())
    settings.write_text("\n".join(line for line in lines if not line.startswith(without)), encoding="utf-8")
    here = [f"--listening-ip={worker}", f"--relay-ip={worker}", *(_tls if secure else _plain)(directory, port)]
    shared = [f"--static-auth-secret={SECRET.decode()}", "--allow-loopback-peers", f"--allowed-peer-ip={worker}"]
    with log.open("wb") as told:
        files = ["--log-file=stdout", "--simple-log", f"--pidfile={directory / 'pid'}"]
        process = subprocess.Popen([coturn, "-c", settings, *here, *shared, *files], stdout=told, stderr=told)
        try:
            wait_until(lambda: None if _answers(worker, port) else log.read_text())
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _plain(_: Path, port: int) -> list[str]:
    return [f"--listening-port={port}", "--no-tls", "--no-dtls"]


def _tls(directory: Path, port: int) -> list[str]:
    """What deploy/turnserver.conf says of TLS holds, but for where the files and the ports are."""
    files = tls.self_signed(directory / "certificate", "localhost")
    ports = [f"--tls-listening-port={port}", "--no-udp", "--no-tcp"]
    return [*ports, f"--cert={files.certificate}", f"--pkey={files.key}"]


def _answers(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as line:
        return line.connect_ex((host, port)) == 0
