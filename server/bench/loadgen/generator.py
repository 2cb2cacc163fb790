"""The generator's process: `python -m server.bench.loadgen.generator --server worker:PATH`.

It joins everybody, says `{"ready": ...}` and then takes one command a line on standard input: `slice SECONDS` measures and answers with
`{"slice": ...}`, `quit` ends. Between slices it sends nothing but consent checks. One process per server under test, so that several
servers stand fully joined side by side and one at a time is under load.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from server.bench.core import loss_share
from server.bench.loadgen.janus import JanusSignaling
from server.bench.loadgen.native import NativeUnavailable, load
from server.bench.loadgen.peer import PROFILES, Certificate, Peer, PeerFailed
from server.bench.loadgen.plane import Plane, PythonPlane
from server.bench.loadgen.sdp import SdpError
from server.bench.loadgen.streams import Joined, Plan, Stream, audio_stream, video_stream
from server.bench.loadgen.worker import WorkerSignaling
from server.bench.machine import process_cpu_s, resident_kib

CONNECT_WITHIN_S = 45.0
WARM_UP_S = 0.4  # queues filled, caches warm, the first key frames asked for
DRAIN_S = 0.15  # for the packets that are under way when a slice ends
IDLE_MS = 50


class Signaling(Protocol):
    """How participants come into rooms of one kind of server."""

    def fill(self, plan: Plan, make_peer: Callable[[], Peer], connect: Callable[[list[Peer]], None]) -> Joined:
        """Open the rooms and bring everybody in; returns every peer made with what it sends, in the order of joining."""

    def idle(self) -> None:
        """Called between packets; must not block."""


class Generator:
    """All participants of one server."""

    def __init__(self, signaling: Signaling, plane: Plane, options: argparse.Namespace) -> None:
        self._signaling = signaling
        self._plane = plane
        self._profiles = tuple(PROFILES[name] for name in options.profile.split(","))
        self._host: str = options.host
        self._pid: int = options.pid
        self._certificate = Certificate()
        self._peers: list[Peer] = []
        self._flows_expected = 0
        self._participants = 0
        self._random = random.Random(1)  # SSRCs: the same in each run
        self._before_kib = resident_kib(self._pid)
        self.srtp_profiles: set[str] = set()

    def fill(self, rooms: int, members: int, publishers: int) -> float:
        """Open and fill all rooms. Returns the seconds it took."""
        start = time.monotonic()
        plan = [[self._streams() if member < publishers else () for member in range(members)] for _ in range(rooms)]
        for peer, streams in self._signaling.fill(plan, self._make_peer, self._connect):
            self._add(peer, streams)
        self._participants = rooms * members
        self._flows_expected = rooms * 2 * (publishers * (members - 1))
        return time.monotonic() - start

    def slice(self, seconds: float) -> dict[str, object]:
        """Load the server for that long and say what it cost."""
        self._plane.set_active(True)
        self.work(WARM_UP_S)
        self._plane.reset()
        cpu, own, start = process_cpu_s(self._pid), time.process_time(), time.monotonic()
        self.work(seconds)
        cpu, own, took = process_cpu_s(self._pid) - cpu, time.process_time() - own, time.monotonic() - start
        window, histogram, arrivals = self._plane.window(), self._plane.histogram(), self._plane.arrivals()
        self._plane.set_active(False)
        self.work(DRAIN_S)
        return {
            "seconds": took,
            "server_cpu_s": cpu,
            "generator_cpu_s": own,
            "window": asdict(window),
            "histogram": histogram,
            "arrivals": arrivals,
            "loss": loss_share(self._plane.flows(), self._flows_expected),
            "flows": len(self._plane.flows()),
            "flows_expected": self._flows_expected,
            "memory_kib": resident_kib(self._pid),
            "memory_per_participant_kib": (resident_kib(self._pid) - self._before_kib) / max(1, self._participants),
        }

    def work(self, seconds: float) -> None:
        """Run the plane and keep every peer's consent alive."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for kept in self._plane.run(min(IDLE_MS, int(left * 1000) + 1)):
                self._peers[kept.peer].datagram(kept.data, kept.address, time.monotonic())
            now = time.monotonic()
            for peer in self._peers:
                peer.keep_consent(now)
            self._signaling.idle()

    def _streams(self) -> list[Stream]:
        return [
            audio_stream(self._random.randrange(1, 2**31), "0"),
            video_stream(self._random.randrange(1, 2**31), "1"),
        ]

    def _make_peer(self) -> Peer:
        return Peer(self._certificate, self._profiles, self._host)

    def _connect(self, peers: list[Peer]) -> None:
        end = time.monotonic() + CONNECT_WITHIN_S
        waiting = peers
        while waiting:
            waiting = [peer for peer in waiting if not peer.step(time.monotonic())]
            if waiting and time.monotonic() > end:
                stage = "DTLS" if waiting[0].checked else "ICE"
                raise PeerFailed(f"{len(waiting)} of {len(peers)} peers wait for {stage} since {CONNECT_WITHIN_S} s")
            select.select([peer.sock for peer in waiting], [], [], 0.01)

    def _add(self, peer: Peer, streams: Sequence[Stream]) -> None:
        name, tx, rx = peer.keys()
        self.srtp_profiles.add(name)
        assert peer.remote is not None
        index = self._plane.add_peer(peer.sock, peer.remote.address, tx, rx)
        assert index == len(self._peers)
        self._peers.append(peer)
        for stream in streams:
            self._plane.add_stream(index, stream)


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder:
            return _serve(options, _plane(options.plane, Path(folder)))
    except (PeerFailed, SdpError, OSError) as error:
        _answer({"error": f"{type(error).__name__}: {error}"})
        return 1


def _serve(options: argparse.Namespace, plane: Plane) -> int:
    generator = Generator(_signaling(options.server, options.journals), plane, options)
    took = generator.fill(options.rooms, options.members, options.publishers or options.members)
    _answer({"ready": {"join_s": took, "srtp_profile": "/".join(sorted(generator.srtp_profiles)), "plane": plane.name}})
    while True:
        generator.work(IDLE_MS / 1000)
        if not select.select([sys.stdin], [], [], 0)[0]:
            continue
        words = sys.stdin.readline().split()
        if not words or words[0] == "quit":
            return 0
        _answer({"slice": generator.slice(float(words[1]))})


def _plane(wanted: str, folder: Path) -> Plane:
    if wanted == "python":
        return PythonPlane()
    try:
        return load(folder)
    except NativeUnavailable as error:
        if wanted == "c":
            raise PeerFailed(str(error)) from error
        print(f"generator in Python, slower: {error}", file=sys.stderr, flush=True)
        return PythonPlane()


def _signaling(server: str, journals: str | None) -> Signaling:
    kind, _, place = server.partition(":")
    folder = Path(journals) if journals else None
    return WorkerSignaling(Path(place), folder) if kind == "worker" else JanusSignaling(place)


def _answer(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m server.bench.loadgen.generator")
    parser.add_argument("--server", required=True, help="worker:SOCKET or janus:URL")
    parser.add_argument("--pid", type=int, required=True, help="process whose CPU and memory are read")
    parser.add_argument("--host", default="127.0.0.1", help="address the server offers and the participants bind")
    parser.add_argument("--journals", help="record every room below this directory (worker only)")
    parser.add_argument("--rooms", type=int, default=1)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--publishers", type=int, default=0, help="members who send; 0: all")
    parser.add_argument("--profile", default="gcm128", help="SRTP profiles to offer, best first")
    parser.add_argument("--plane", choices=("auto", "c", "python"), default="auto")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
