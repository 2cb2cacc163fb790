"""From the control protocol's `join` to the first forwarded frame at a participant without a browser.

What it holds: the worker's answer to the offer, ICE, the DTLS handshake, the request for a key frame, the wait for the next frame of the
sender (up to 33 ms: it runs at 30 frames/s). What it does not: signaling, the browser's own start-up and its decoder.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from server.bench import BenchError
from server.bench.loadgen.peer import PROFILES, Certificate, Peer, PeerFailed
from server.bench.loadgen.plane import PythonPlane
from server.bench.loadgen.sdp import SdpError
from server.bench.loadgen.streams import video_stream
from server.bench.loadgen.worker import EPOCH, WorkerSignaling
from server.bench.servers import RunningServer, media_worker

WITHIN_S = 30.0
ROOM = "r0"
MEDIA_SSRC = 20_250_101


def measure_worker_joins(folder: Path, rounds: int) -> list[float]:
    """Milliseconds of each join. Raises BenchError when one does not succeed."""
    with media_worker("join", folder / "join") as server:
        try:
            with contextlib.closing(_Room(server)) as room:
                return room.joins(rounds)
        except (PeerFailed, SdpError, OSError) as error:
            log = (folder / "join" / "log").read_text(errors="replace")[-1500:]
            raise BenchError(f"joining the media worker: {error}\n{log}") from error


class _Room:
    """A room in which one participant sends video without pause."""

    def __init__(self, server: RunningServer) -> None:
        self._host = server.host
        self._signaling = WorkerSignaling(Path(server.place.partition(":")[2]))
        self._certificate = Certificate()
        self._signaling.open_room(0)
        self._plane = PythonPlane()
        self._sender = self._peer()
        stream = video_stream(MEDIA_SSRC, "0")
        self._signaling.join_seat(ROOM, "sender", self._sender, [stream], 0)
        _add(self._plane, self._sender, time.monotonic() + WITHIN_S)
        self._plane.add_stream(0, stream)
        self._frame = stream.burst

    def close(self) -> None:
        self._sender.close()
        self._signaling.control.close()

    def joins(self, rounds: int) -> list[float]:
        self._plane.set_active(True)
        self._send(0.2)
        return [self._join(number) for number in range(rounds)]

    def _join(self, number: int) -> float:
        """One visitor comes, sees a frame, and leaves."""
        visitor, seat = self._peer(), f"visitor{number}"
        plane = PythonPlane()
        start = time.monotonic()
        self._signaling.join_seat(ROOM, seat, visitor, [], 1)
        while not visitor.step(self._in_time(start, "connected")):
            self._plane.run(0)
        _add(plane, visitor, start + WITHIN_S)
        while plane.window().received < self._frame:
            self._in_time(start, "shown a frame")
            self._plane.run(0)
            plane.run(1)
        took_ms = (time.monotonic() - start) * 1000
        self._signaling.control.request("leave", room=ROOM, epoch=EPOCH, seat=seat, connection=1, reason="left")
        visitor.close()
        self._send(0.1)
        return took_ms

    def _send(self, seconds: float) -> None:
        """Let the sender send; also keeps its consent alive."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._sender.keep_consent(time.monotonic())
            for kept in self._plane.run(10):
                self._sender.datagram(kept.data, kept.address, time.monotonic())
        self._signaling.idle()

    def _peer(self) -> Peer:
        return Peer(self._certificate, (PROFILES["gcm128"],), self._host)

    def _in_time(self, start: float, what: str) -> float:
        now = time.monotonic()
        if now - start > WITHIN_S:
            raise PeerFailed(f"a visitor was not {what} within {WITHIN_S:g} s")
        return now


def _add(plane: PythonPlane, peer: Peer, until: float) -> None:
    while not peer.step(time.monotonic()):
        if time.monotonic() > until:
            raise PeerFailed(f"not connected within {WITHIN_S:g} s")
        time.sleep(0.001)
    _, tx, rx = peer.keys()
    assert peer.remote is not None
    plane.add_peer(peer.sock, peer.remote.address, tx, rx)
