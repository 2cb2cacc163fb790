"""Participants in rooms of our media worker, by the control protocol (media/CONTROL.md): one peer connection each."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from media.control.frames import FrameReader, frame
from server.bench.loadgen.peer import Peer, PeerFailed
from server.bench.loadgen.sdp import offer, remote
from server.bench.loadgen.streams import Joined, Plan, Stream

ANSWER_WITHIN_S = 30.0
EPOCH = 1
RECORD_KEY = base64.b64encode(bytes(range(32))).decode()  # of a journal that nobody keeps

Message = dict[str, Any]


class ControlClient:
    """A blocking controller on the worker's unix socket. The product's own client is asynchronous and belongs to the web process."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_WITHIN_S)
        self._socket.connect(str(path))
        self._frames = FrameReader()
        self._waiting: list[bytes] = []
        self._last_id = 0
        self.state = self.request("hello", protocol=1, controller="bench")

    def request(self, op: str, **fields: Any) -> Message:
        """Send, wait for the answer to it, pass over events. Raises PeerFailed with the worker's words."""
        self._last_id += 1
        body = json.dumps({"id": self._last_id, "op": op, **fields}).encode()
        self._socket.sendall(frame(body))
        while True:
            message = self._next()
            if message.get("id") == self._last_id:
                return _answer_of(op, message)

    def drain(self) -> None:
        """Read what has come, so that the worker never waits for this slow listener."""
        self._socket.setblocking(False)
        try:
            while data := self._socket.recv(1 << 16):
                self._frames.receive(data)
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(ANSWER_WITHIN_S)

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> Message:
        while not self._waiting:
            data = self._socket.recv(1 << 16)
            if not data:
                raise PeerFailed("the media worker closed the control connection")
            self._waiting += self._frames.receive(data)
        message: Message = json.loads(self._waiting.pop(0))
        return message


def _answer_of(op: str, message: Message) -> Message:
    if "error" in message:
        raise PeerFailed(f"worker {op}: {message['error']['code']}: {message['error']['message']}")
    answer: Message = message["ok"]
    return answer


class WorkerSignaling:
    """Rooms without a record, as beside Janus, which does not record either; or with one, below `journals`."""

    def __init__(self, path: Path, journals: Path | None = None) -> None:
        self.control = ControlClient(path)
        self._journals = journals

    def open_room(self, index: int) -> None:
        room = {"room": f"r{index}", "session": f"s{index}", "epoch": EPOCH, "capacity": 64}
        self.control.request("open_room", **room, record=self._record(index))

    def _record(self, index: int) -> dict[str, object] | None:
        if self._journals is None:
            return None
        return {"journal": str(self._journals / f"r{index}"), "key": RECORD_KEY, "facts": {}}

    def fill(self, plan: Plan, make_peer: Callable[[], Peer], connect: Callable[[list[Peer]], None]) -> Joined:
        """Each participant has a slot for every other one who sends."""
        joined: Joined = []
        for index, room in enumerate(plan):
            self.open_room(index)
            senders = sum(bool(streams) for streams in room)
            for seat, streams in enumerate(room):
                peer = make_peer()
                self.join_seat(f"r{index}", f"p{seat}", peer, streams, senders - bool(streams))
                joined.append((peer, streams))
        connect([peer for peer, _ in joined])
        return joined

    def join_seat(self, room: str, seat: str, peer: Peer, streams: Sequence[Stream], slots: int) -> None:
        sources = {stream.mid: "voice" if stream.kind == "audio" else "face" for stream in streams}
        answered = self.control.request(
            "join",
            room=room,
            epoch=EPOCH,
            seat=seat,
            connection=1,
            offer=offer(peer, streams, slots),
            sources=sources,
            label={"role": "bench", "name": seat},
        )
        peer.aim(remote(answered["answer"], peer.host, offerer=False))

    def idle(self) -> None:
        self.control.drain()
