"""People without browsers who all come at once: offer, ICE, DTLS, a voice of ten packets a second. For `bench workers`."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from dataclasses import dataclass, field
from typing import Final

from pylibsrtp import Session

from media.control.messages import Join, Joined, Request
from server.bench.loadgen.peer import PROFILES, Certificate, Peer, PeerFailed
from server.bench.loadgen.sdp import offer, remote
from server.bench.loadgen.streams import Stream, audio_stream
from server.mediaplane.plane import MediaPlane

STEP_S: Final = 0.005
SPEAK_EVERY_S: Final = 0.1
WITHIN_S: Final = 30.0
_HEADER: Final = struct.Struct("!BBHII")
_PAYLOAD: Final = bytes(88)


@dataclass(slots=True, eq=False)
class Person:
    """One seat; each connection is a new peer."""

    room: str
    seat: str
    ssrc: int
    others: int
    connections: int = 0
    peer: Peer | None = None
    _tx: Session | None = None
    _number: int = 0

    @property
    def connected(self) -> bool:
        return self._tx is not None

    async def join(self, plane: MediaPlane, host: str, certificate: Certificate) -> float:
        """Seconds from asking until the keys are there. Raises PeerFailed."""
        began = time.monotonic()
        self.leave()
        peer = self.peer = Peer(certificate, (PROFILES["gcm128"],), host)
        stream: Stream = audio_stream(self.ssrc, "0")
        self.connections += 1

        def make(number: int, epoch: int) -> Request:
            return Join(
                id=number,
                room=self.room,
                epoch=epoch,
                seat=self.seat,
                connection=self.connections,
                offer=offer(peer, [stream], self.others),
                sources={"0": "voice"},
                label={"role": "bench", "name": self.seat},
            )

        answered = await plane.ask(self.room, make, WITHIN_S)
        assert isinstance(answered, Joined)
        peer.aim(remote(answered.answer, host, offerer=False))
        while not peer.step(time.monotonic()):
            if time.monotonic() - began > WITHIN_S:
                raise PeerFailed(f"{self.seat} was not connected within {WITHIN_S:g} s")
            await asyncio.sleep(STEP_S)
        self._tx = peer.keys()[1]
        return time.monotonic() - began

    def speak(self) -> int:
        """One packet of voice; returns how many datagrams had come since."""
        peer, tx = self.peer, self._tx
        if peer is None or tx is None or peer.remote is None:
            return 0
        peer.keep_consent(time.monotonic())
        self._number += 1
        head = _HEADER.pack(0x80, 111, self._number & 0xFFFF, self._number * 4800 & 0xFFFFFFFF, self.ssrc)
        heard = 0
        with contextlib.suppress(OSError):
            peer.sock.sendto(tx.protect(head + _PAYLOAD), peer.remote.address)
            while True:
                heard += peer.sock.recv(2048)[0] in range(128, 192)
        return heard

    def leave(self) -> None:
        self._tx = None
        if self.peer is not None:
            self.peer.close()
            self.peer = None


@dataclass(slots=True)
class Crowd:
    """Everybody; `speak_on` runs beside everything else."""

    people: list[Person] = field(default_factory=list)
    heard: int = 0

    async def speak_on(self) -> None:
        """Voices of all who are connected, spread over each tenth of a second."""
        while True:
            began = time.monotonic()
            for number, person in enumerate(self.people):
                self.heard += person.speak()
                if number % 20 == 19:
                    await asyncio.sleep(0)
            await asyncio.sleep(max(STEP_S, SPEAK_EVERY_S - (time.monotonic() - began)))

    def close(self) -> None:
        for person in self.people:
            person.leave()
