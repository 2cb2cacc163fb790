"""Hosts as network namespaces: each has its own addresses and its own loopback, and reaches the others over one bridge. Needs root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.support.tools import program

T = TypeVar("T")

CLONE_NEWNET = 0x40000000  # setns(2); Python has it since 3.12
NEEDED = "no hosts were tried: network namespaces need root, and the kernel's leave"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Host:
    """`address` is where the others reach it."""

    name: str
    address: str

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in this host; what it starts stays there."""
        with ThreadPoolExecutor(1) as thread:  # a namespace is a thread's
            return thread.submit(self._enter_and, work).result()

    def _enter_and(self, work: Callable[[], T]) -> T:
        with open(f"/run/netns/{self.name}", "rb") as namespace:
            if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return work()


@contextlib.contextmanager
def some_hosts(count: int) -> Iterator[tuple[str, list[Host]]]:
    """Our own address among them, and the hosts. Skips the test, saying so, where this machine makes none."""
    program("ip")
    mark = secrets.token_hex(3)
    bridge, net = (
        f"lz{mark}",
        f"198.{18 + secrets.randbelow(2)}.{secrets.randbelow(256)}",
    )  # of the range for tests of networks (RFC 2544)
    hosts = [Host(f"lz{mark}h{number}", f"{net}.{number + 2}") for number in range(count)]
    with contextlib.ExitStack() as undo:
        if os.geteuid() != 0 or not _may(mark):
            pytest.skip(NEEDED)
        _ip("link", "add", bridge, "type", "bridge")
        undo.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{net}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, host in enumerate(hosts):
            _ip("netns", "add", host.name)
            undo.callback(_ip, "netns", "del", host.name)
            outer = f"lz{mark}v{number}"
            _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", host.name)
            _ip("link", "set", outer, "master", bridge, "up")
            _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", host.name, "link", "set", "eth0", "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
        yield f"{net}.1", hosts


def _may(mark: str) -> bool:
    """Try each kind of thing once."""
    host, bridge = f"lz{mark}try", f"lz{mark}b"
    tried = [
        subprocess.run([program("ip"), *words], check=False, capture_output=True).returncode == 0
        for words in (
            ("netns", "add", host),
            ("link", "add", bridge, "type", "bridge"),
            ("link", "add", f"lz{mark}t", "type", "veth", "peer", "name", "eth0", "netns", host),
            ("link", "del", bridge),
            ("netns", "del", host),
        )
    ]
    return all(tried)


def _ip(*words: str) -> None:
    subprocess.run([program("ip"), *words], check=True, capture_output=True)
