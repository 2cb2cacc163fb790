"""`bench attacks`: two people talk while somebody attacks their worker. What they notice, and what comes back to the attacker.

Each attack (attacker.py) is compared with the same seconds in peace, measured just before. Threats 3 to 6 and 23 of the threat model;
ASVS V17.2.4 to V17.2.6. A wrong certificate (V17.2.8) is no matter of figures: tests/media/test_gate.py.
"""

from __future__ import annotations

import argparse
import json
import select
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from server.bench import BenchError, say
from server.bench.attacker import KINDS, ROOM
from server.bench.core import Figure, Result, quantile
from server.bench.loadgen.peer import PROFILES, Certificate, Peer, PeerFailed, kind_of
from server.bench.loadgen.streams import audio_stream
from server.bench.loadgen.worker import EPOCH, WorkerSignaling
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least, names_of
from server.bench.servers import ROOT, RunningServer, media_worker

EVERY_S: Final = 0.02
WITHIN_S: Final = 30.0
START_S: Final = 1.5  # until the attacker's process is at work
_HEADER: Final = struct.Struct("!BBHII")
_SENT_AT: Final = struct.Struct("!dI")


@dataclass(slots=True)
class Talker:
    """One of the two; what he hears is noted with its way in seconds."""

    name: str
    peer: Peer
    ssrc: int
    tx: Session
    rx: Session
    sent: int = 0
    ways: list[float] = field(default_factory=list)

    def speak(self, now: float) -> None:
        assert self.peer.remote is not None
        self.peer.keep_consent(now)
        self.sent += 1
        head = _HEADER.pack(0x80, 111, self.sent & 0xFFFF, self.sent * 960 & 0xFFFFFFFF, self.ssrc)
        body = _SENT_AT.pack(now, self.ssrc) + bytes(60)
        self.peer.sock.sendto(self.tx.protect(head + body), self.peer.remote.address)

    def hear(self, other: int) -> None:
        with suppress(BlockingIOError):
            while True:
                data = self.peer.sock.recv(2048)
                if kind_of(data) is None or not 128 <= data[0] <= 191 or 192 <= data[1] <= 223:
                    continue
                with suppress(SrtpError):
                    plain = self.rx.unprotect(data)
                    at, ssrc = _SENT_AT.unpack_from(plain, 12)
                    if ssrc == other:
                        self.ways.append(time.monotonic() - at)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of a few seconds: share of packets lost, and their way in ms."""

    loss: float
    p50_ms: float
    p99_ms: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=at_least(1), default=4, help="per attack, and as long in peace before it")
    parser.add_argument("--only", type=names_of(KINDS), default=list(KINDS), help=f"by comma, of {', '.join(KINDS)}")
    parser.add_argument(
        "--newcomers", type=at_least(1), default=100, help="people who join while ClientHellos are forged"
    )


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    figures: dict[str, Figure] = {}
    with (
        tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder,
        media_worker("w", Path(folder) / "w") as server,
        closing(Stage(server)) as stage,
    ):
        for kind in options.only:
            figures |= _one(stage, kind, options)
        figures["faults"] = Figure(stage.dropped().get("fault", 0), "count")
    return Result("attacks", machine, package_versions("laizuo", "aiortc"), figures)


def _one(stage: Stage, kind: str, options: argparse.Namespace) -> dict[str, Figure]:
    calm = stage.talk(options.seconds)
    newcomers = options.newcomers if kind == "hello" else 0
    with stage.attack(kind, options.seconds + START_S + newcomers * 0.1) as attacker:
        stage.talk(START_S)
        under = stage.talk(options.seconds)
        joined = sum(stage.newcomer(number) for number in range(newcomers))
        out, _ = attacker.communicate(timeout=options.seconds + newcomers + 30)
    fired = json.loads(out)
    say(f"{kind}: {fired['sent']} datagrams; p99 {calm.p99_ms:.2f} -> {under.p99_ms:.2f} ms, lost {under.loss:.4f}")
    found = {
        f"{kind}_sent": Figure(fired["sent"], "count"),
        f"{kind}_loss": Figure(round(under.loss, 5), "share"),
        f"{kind}_p50_ms": Figure(round(under.p50_ms, 3), "ms"),
        f"{kind}_p99_ms": Figure(round(under.p99_ms, 3), "ms"),
        f"{kind}_calm_p50_ms": Figure(round(calm.p50_ms, 3), "ms"),
        f"{kind}_calm_p99_ms": Figure(round(calm.p99_ms, 3), "ms"),
        f"{kind}_reply_share": Figure(round(fired["got_bytes"] / max(1, fired["sent_bytes"]), 4), "share"),
    }
    if newcomers:
        found |= {f"{kind}_newcomers": Figure(newcomers, "count"), f"{kind}_newcomers_in": Figure(joined, "count")}
    return found


class Stage:
    """A room, two people in it, and a worker that others shoot at."""

    def __init__(self, server: RunningServer) -> None:
        self._host = server.host
        self._control = server.place.partition(":")[2]
        self._signaling = WorkerSignaling(Path(self._control))
        udp = self._signaling.control.state["media"]["udp"][0]
        self._port = int(udp["port"])
        self._signaling.open_room(0)
        self._certificate = Certificate()
        self._a, self._b = self._talker("a", 1001), self._talker("b", 1002)

    def close(self) -> None:
        for talker in (self._a, self._b):
            talker.peer.close()
        self._signaling.control.close()

    def talk(self, seconds: float) -> Heard:
        """Both speak; what of it arrives, with a moment for the last packets."""
        a, b = self._a, self._b
        a.ways, b.ways = [], []
        before = a.sent + b.sent
        began = time.monotonic()
        ticks = 0
        while (now := time.monotonic()) < began + seconds + 0.2:
            if now < began + seconds and now >= began + ticks * EVERY_S:
                ticks += 1
                a.speak(now)
                b.speak(time.monotonic())
            select.select([a.peer.sock, b.peer.sock], [], [], 0.002)
            a.hear(b.ssrc)
            b.hear(a.ssrc)
        self._signaling.idle()
        ways, sent = a.ways + b.ways, a.sent + b.sent - before
        if not ways:
            raise BenchError("nobody heard anything")
        return Heard(1 - len(ways) / sent, quantile(ways, 0.5) * 1000, quantile(ways, 0.99) * 1000)

    def attack(self, kind: str, seconds: float) -> subprocess.Popen[str]:
        arguments = [kind, self._control, self._host, str(self._port), str(seconds)]
        return subprocess.Popen(
            [sys.executable, "-m", "server.bench.attacker", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )

    def newcomer(self, number: int) -> bool:
        """Somebody comes in and leaves; whether the handshake succeeded."""
        seat, peer = f"newcomer{number}", Peer(self._certificate, (PROFILES["gcm128"],), self._host)
        try:
            self._signaling.join_seat(ROOM, seat, peer, [], 1)
            self._connect(peer)
        except PeerFailed:
            return False
        finally:
            peer.close()
        self._signaling.control.request("leave", room=ROOM, epoch=EPOCH, seat=seat, connection=1, reason="left")
        return True

    def dropped(self) -> dict[str, int]:
        counters: dict[str, int] = self._signaling.control.request("stats", room=None)["dropped"]
        return counters

    def _talker(self, name: str, ssrc: int) -> Talker:
        peer = Peer(self._certificate, (PROFILES["gcm128"],), self._host)
        self._signaling.join_seat(ROOM, name, peer, [audio_stream(ssrc, "0")], 2)
        self._connect(peer)
        _, tx, rx = peer.keys()
        return Talker(name, peer, ssrc, tx, rx)

    def _connect(self, peer: Peer) -> None:
        end = time.monotonic() + WITHIN_S
        while not peer.step(time.monotonic()):
            if time.monotonic() > end:
                raise PeerFailed(f"not connected within {WITHIN_S:g} s")
            time.sleep(0.001)
