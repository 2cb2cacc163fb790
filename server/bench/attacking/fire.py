"""Datagrams at a rate, and what comes back for them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

BURST: Final = 25
STEP_S: Final = 0.002

Address = tuple[str, int]
Datagrams = Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """The worker: where its control socket is, its UDP and TCP ports; how long, and the seed of all chance."""

    control: Path
    udp: Address
    tcp: Address
    seconds: float
    seed: int


@dataclass(slots=True)
class Fired:
    """What an attack came to; `counts` is its own, by name."""

    sent: int = 0
    sent_bytes: int = 0
    got_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def fire(
    sock: socket.socket,
    target: Target,
    rate_per_s: int,
    datagrams: Datagrams,
    *,
    between: Callable[[], None] = lambda: None,
    hear: Callable[[bytes], None] = lambda _: None,
) -> Fired:
    """Send until the time is over. `between`: called each few ms; `hear`: with each datagram that came back."""
    fired = Fired()
    sock.setblocking(False)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < target.seconds:
        while fired.sent < passed * rate_per_s:
            for _ in range(BURST):
                _send(sock, next(datagrams), target.udp, fired)
        between()
        listen(sock, fired, hear)
        time.sleep(STEP_S)
    return fired


def _send(sock: socket.socket, datagram: bytes, to: Address, fired: Fired) -> None:
    with suppress(OSError):
        sock.sendto(datagram, to)
    fired.sent += 1
    fired.sent_bytes += len(datagram)


def listen(sock: socket.socket, fired: Fired, hear: Callable[[bytes], None] = lambda _: None) -> None:
    """Count what is there."""
    with suppress(OSError):
        while True:
            data = sock.recv(4096)
            fired.got_bytes += len(data)
            hear(data)
