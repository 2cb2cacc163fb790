"""One attack of `bench attacks`, in a process of its own: `python -m server.bench.attacker KIND CONTROL HOST PORT SECONDS`.

Prints one line of JSON: datagrams and bytes sent, bytes that came back.
"""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from aioice import stun

from server.bench.loadgen.peer import PROFILES, Certificate, Peer, PeerFailed
from server.bench.loadgen.streams import audio_stream
from server.bench.loadgen.worker import WorkerSignaling

RATE_PER_S: Final = 5000
MEMBER_RATE_PER_S: Final = 2500  # fifty times a voice
BURST: Final = 25
ROOM: Final = "r0"
MEMBER_SSRC: Final = 66_600
_HEADER: Final = struct.Struct("!BBHII")
_HELLO: Final = bytes.fromhex("16fefd0000000000000000002e010000220000000000000022fefd")

Datagrams = Iterator[bytes]


def hellos() -> Datagrams:
    """DTLS ClientHellos, as in the race for a victim's handshake."""
    while True:
        yield _HELLO + os.urandom(32) + b"\0"


def long_ones() -> Datagrams:
    """Datagrams of 1501 bytes and more that look like SRTP: they end the receive task of pylibsrtp's callers."""
    sizes = (1501, 1502, 2048, 9000)
    while True:
        for size in sizes:
            yield bytes((0x80, 96)) + bytes(size - 2)


def checks() -> Datagrams:
    """Connectivity checks of somebody who knows no password."""
    while True:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{random.randbytes(6).hex()}:them"
        message.attributes["PRIORITY"] = 1
        message.add_message_integrity(b"guess-guess-guess-guess")
        yield bytes(message)


def garbage() -> Datagrams:
    dice = random.Random(1)
    while True:
        yield dice.randbytes(dice.randint(1, 1400))


STRANGERS: Final[dict[str, Callable[[], Datagrams]]] = {
    "hello": hellos,
    "long": long_ones,
    "check": checks,
    "garbage": garbage,
}
KINDS: Final = (*STRANGERS, "member")


class Fire:
    """Sends at a rate for so long, and counts."""

    def __init__(self, sock: socket.socket, to: tuple[str, int], rate_per_s: int, seconds: float) -> None:
        self.sent = self.sent_bytes = self.got_bytes = 0
        self._sock, self._to = sock, to
        self._rate, self._end = rate_per_s, time.monotonic() + seconds
        sock.setblocking(False)

    def all(self, datagrams: Datagrams, between: Callable[[], None] = lambda: None) -> None:
        began = time.monotonic()
        while (now := time.monotonic()) < self._end:
            while self.sent < (now - began) * self._rate:
                for _ in range(BURST):
                    self._one(next(datagrams))
            between()
            self._hear()
            time.sleep(0.002)

    def _one(self, datagram: bytes) -> None:
        with suppress(OSError):
            self._sock.sendto(datagram, self._to)
        self.sent += 1
        self.sent_bytes += len(datagram)

    def _hear(self) -> None:
        with suppress(OSError):
            while True:
                self.got_bytes += len(self._sock.recv(4096))


def stranger(kind: str, to: tuple[str, int], seconds: float) -> Fire:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((to[0], 0))
        fire = Fire(sock, to, RATE_PER_S, seconds)
        fire.all(STRANGERS[kind]())
        return fire


def member(control: Path, to: tuple[str, int], seconds: float) -> Fire:
    """A person with a seat and keys who sends fifty times what a voice is."""
    signaling, peer = WorkerSignaling(control), Peer(Certificate(), (PROFILES["gcm128"],), to[0])
    signaling.join_seat(ROOM, "flooder", peer, [audio_stream(MEMBER_SSRC, "0")], 0)
    _connect(peer)
    tx = peer.keys()[1]

    def packets() -> Datagrams:
        number = 0
        while True:
            number += 1
            yield tx.protect(_HEADER.pack(0x80, 111, number & 0xFFFF, number * 20, MEMBER_SSRC) + bytes(88))

    fire = Fire(peer.sock, to, MEMBER_RATE_PER_S, seconds)
    fire.all(packets(), lambda: peer.keep_consent(time.monotonic()))
    peer.close()
    return fire


def _connect(peer: Peer, within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not peer.step(time.monotonic()):
        if time.monotonic() > end:
            raise PeerFailed("not connected")
        time.sleep(0.002)


def main(argv: list[str]) -> None:
    kind, control, host, port, seconds = argv
    to = (host, int(port))
    fire = member(Path(control), to, float(seconds)) if kind == "member" else stranger(kind, to, float(seconds))
    print(json.dumps({"sent": fire.sent, "sent_bytes": fire.sent_bytes, "got_bytes": fire.got_bytes}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
