"""Our credentials with a real relay, and what the deployed settings let nobody reach."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server import tls
from server.signaling.relay import LASTS, Relay, ice_servers
from tests.support.turn_server import SECRET, WORKER, WORKER_6, turn_server

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
# The same of IPv6 (RFC 6890 and the registry behind it), with the ways back into IPv4: mapped, translated, 6to4, Teredo.
RESERVED_6 = [
    "::2",
    "::127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:127.0.0.1",
    "64:ff9b::a01:203",
    "64:ff9b:1::a01:203",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a01:203::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
# Of the open network, both families: nothing is sent there, for the relay has only a loopback address.
OPEN, OPEN_6 = ["1.0.0.1", "172.32.0.1", "223.255.255.1"], ["2000::1", "2001:200::1", "2606:4700::1111"]


def reach(
    port: int,
    peer: str,
    secret: bytes = SECRET,
    at: datetime | None = None,
    worker: str = WORKER,
    *,
    secure: bool = False,
) -> str:
    """What coturn's own client tells of binding a channel to `peer`, of the worker's family, with a credential made at this instant.

    By TCP, or by TLS where `secure`.
    """
    program = shutil.which("turnutils_uclient")
    assert program is not None, "turnutils_uclient comes with coturn: apt-get install -y coturn"
    made = ice_servers(Relay(("turn:x",), secret), "seat-1", at or datetime.now(UTC))[0]
    who = ["-u", str(made["username"]), "-w", str(made["credential"])]
    chosen = ["-x"] * (":" in worker) + ["-S"] * secure
    how = ["-t", "-c", "-n", "1", "-m", "1", "-v", *chosen, "-p", str(port), "-e", peer, "-r", "39999"]
    words = [program, *who, *how, worker]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
        told = ""
        assert client.stdout is not None
        for line in client.stdout:
            told += line
            if any(word in line for word in ("Forbidden", "success: 0x", "Cannot complete", "error 401")):
                break
        client.kill()
    return told


FAMILIES = pytest.mark.parametrize(
    ("worker", "reserved", "outside"), [(WORKER, RESERVED, OPEN), (WORKER_6, RESERVED_6, OPEN_6)], ids=["4", "6"]
)


def refused(port: int, worker: str, peers: list[str]) -> list[str]:
    """Those of the peers to which nothing is relayed."""
    told = {peer: reach(port, peer, worker=worker) for peer in peers}
    assert [peer for peer, text in told.items() if ("403 (Forbidden IP)" in text) == ("success: 0x" in text)] == []
    return [peer for peer, text in told.items() if "403 (Forbidden IP)" in text]


@FAMILIES
def test_a_credential_opens_the_relay_to_the_worker_and_to_nothing_else(
    tmp_path: Path, worker: str, reserved: list[str], outside: list[str]
) -> None:
    others = reserved + outside
    with turn_server(tmp_path, worker) as port:
        assert refused(port, worker, [worker, *others]) == others


@FAMILIES
def test_who_opens_the_relay_to_the_world_opens_none_of_the_reserved_ranges(
    tmp_path: Path, worker: str, reserved: list[str], outside: list[str]
) -> None:
    with turn_server(tmp_path, worker, opened=True) as port:
        assert refused(port, worker, [worker, *outside, *reserved]) == reserved


@pytest.mark.parametrize(
    ("secret", "age"), [(b"another", timedelta()), (SECRET, LASTS + timedelta(minutes=1))], ids=["forged", "ended"]
)
def test_a_forged_or_ended_credential_opens_nothing(tmp_path: Path, secret: bytes, age: timedelta) -> None:
    with turn_server(tmp_path) as port:
        told = reach(port, WORKER, secret, datetime.now(UTC) - age)

    assert "success: 0x" not in told
    assert "Cannot complete" in told or "401" in told


@pytest.mark.parametrize("worker", [WORKER, WORKER_6], ids=["4", "6"])
def test_the_relay_is_reached_by_tls_with_the_same_credential(tmp_path: Path, worker: str) -> None:
    with turn_server(tmp_path, worker, secure=True) as port:
        told = reach(port, worker, worker=worker, secure=True)
        files = tls.self_signed(tmp_path / "certificate", "localhost")
        context = ssl.create_default_context(cafile=files.certificate)
        line = socket.create_connection((worker, port), 30)
        with context.wrap_socket(line, server_hostname=worker) as ours:
            assert ours.version() in ("TLSv1.2", "TLSv1.3")

    assert "success: 0x" in told
