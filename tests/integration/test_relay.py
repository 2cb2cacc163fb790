"""Our credentials with a real relay, and what the deployed settings let nobody reach."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.signaling.relay import LASTS, Relay, ice_servers
from tests.support.turn_server import SECRET, WORKER, turn_server

# One of each range of IPv4 that is not the open network (RFC 6890), and both ends of the last ones.
RESERVED = [
    "0.0.0.0",
    "0.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.2",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]


def reach(port: int, peer: str, secret: bytes = SECRET, at: datetime | None = None) -> str:
    """What coturn's own client tells of binding a channel to `peer` with a credential made at this instant."""
    program = shutil.which("turnutils_uclient")
    assert program is not None, "turnutils_uclient comes with coturn: apt-get install -y coturn"
    made = ice_servers(Relay(("turn:x",), secret), "seat-1", at or datetime.now(UTC))[0]
    who = ["-u", str(made["username"]), "-w", str(made["credential"])]
    words = [program, *who, "-t", "-c", "-n", "1", "-m", "1", "-v", "-p", str(port), "-e", peer, "-r", "39999", WORKER]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
        told = ""
        assert client.stdout is not None
        for line in client.stdout:
            told += line
            if any(word in line for word in ("Forbidden", "success: 0x", "Cannot complete", "error 401")):
                break
        client.kill()
    return told


def test_a_credential_opens_the_relay_to_the_worker_and_to_nothing_else(tmp_path: Path) -> None:
    with turn_server(tmp_path) as port:
        assert "success: 0x" in reach(port, WORKER)
        told = {peer: reach(port, peer) for peer in RESERVED}

    assert [peer for peer, text in told.items() if "403 (Forbidden IP)" not in text] == []


@pytest.mark.parametrize(
    ("secret", "age"), [(b"another", timedelta()), (SECRET, LASTS + timedelta(minutes=1))], ids=["forged", "ended"]
)
def test_a_forged_or_ended_credential_opens_nothing(tmp_path: Path, secret: bytes, age: timedelta) -> None:
    with turn_server(tmp_path) as port:
        told = reach(port, WORKER, secret, datetime.now(UTC) - age)

    assert "success: 0x" not in told
    assert "Cannot complete" in told or "401" in told
