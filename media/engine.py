"""What all peers of a worker share: the port, ICE, the certificate, the packet path, the feedback lane."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Protocol

from media.answering import Answered, Answering
from media.beginnings import Beginnings
from media.core.reports import WorkerClock
from media.feedback import Feedback
from media.forward.choose import Choice, choose_lanes, choose_path
from media.forward.path import NOWHERE, ForwardPath, Lane
from media.measuring import Measuring
from media.net.addresses import leads_past_loopback
from media.net.answer import Candidate
from media.net.dtls import Certificate
from media.net.ice_lite import Address, Credentials, Drop, IceLite
from media.net.tcp import TcpPort
from media.net.udp import UdpPort
from media.timing import Timing


class Checked(Answered, Protocol):
    """A peer, as the ICE agent sees it."""

    def on_check(self, source: Address, ufrag: str, nominates: bool, now: float) -> None: ...


class Engine:
    """Made once per worker, inside its loop."""

    def __init__(
        self, host: str, port: int, announce: Sequence[str], timing: Timing, path: Choice, folder: Path
    ) -> None:
        """announce  addresses that browsers are told; the port is the bound one.
        path, folder  which packet path, and where a compiled one is kept (media/forward/choose.py).
        Raises    OSError when the port cannot be bound, NativeUnusable when `path` insists on what is not to be had.
        """
        self.loop = asyncio.get_running_loop()
        self.timing = timing
        self.dropped: Counter[str] = Counter()
        self.certificate = Certificate()
        past_loopback = leads_past_loopback(host, announce)
        self.port = UdpPort(host, port, self._on_stun, self.dropped, past_loopback=past_loopback)
        self.candidates = [Candidate(address, self.port.address[1]) for address in announce]
        self.feedback = Feedback(self.loop, WorkerClock(time.time() - time.monotonic()))
        self.path: ForwardPath = choose_path(path, folder, self.port, self.dropped, self.feedback)
        self.feedback.path = self.path
        if path != "python":
            choose_lanes(folder)
        self.tcp = TcpPort(self.port, self.path.take_sealed, self.dropped)
        self._ice: IceLite[Checked] = IceLite()
        self.measuring = Measuring(self.port.send)
        self.beginnings = Beginnings(self.loop, self.path)
        self._answering = Answering(self.loop, self.port)
        self._ssrcs: set[int] = set()
        self._handles = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.path.start(self.loop, self.port)

    async def listen_tcp(self, host: str, port: int) -> None:
        """Be reached over TCP too, at the same announced addresses. Raises OSError when the address cannot be bound."""
        announced = [candidate.host for candidate in self.candidates]
        await self.tcp.start(host, port, past_loopback=leads_past_loopback(host, announced))
        self.port.socket.send_stream = self.tcp.send
        self.candidates += [Candidate(address, self.tcp.address[1], "tcp") for address in announced]

    async def close(self) -> None:
        """Let the good-byes out, then close the port."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.path.close()
        self.tcp.close()
        self.port.close()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a peer's slow work; it must end by itself when its peer is closed."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def admit(self, credentials: Credentials, peer: Checked) -> None:
        """Answer checks that carry these credentials; they are `peer`'s."""
        self._ice.admit(credentials, peer)

    def forget(self, credentials: Credentials) -> None:
        self._ice.forget(credentials)

    def use_address(self, lane: Lane, address: Address, now: float) -> bool:
        """From now on `lane` sends to and receives from `address`, and from nowhere else.

        Refused (False) while another lane is heard from there: a member with forged source addresses must not be able to
        take another's place. One that has fallen silent loses the address.
        """
        other = self.port.lanes.get(address)
        if other is not None and other is not lane:
            if now - other.heard < self.timing.reconnecting_s:
                self.dropped["address_taken"] += 1
                return False
            other.address = NOWHERE
        self.release(lane)
        lane.address = address
        self.port.lanes[address] = lane
        self.path.use_addresses(self.port.lanes)
        return True

    def release(self, lane: Lane) -> None:
        """Nothing is taken from the lane's address any more."""
        if self.port.lanes.get(lane.address) is lane:
            del self.port.lanes[lane.address]
            self.path.use_addresses(self.port.lanes)

    def new_ssrc(self) -> int:
        """Random, not zero, unlike any other that we send on: a receiver must never mix two of our streams."""
        while True:
            ssrc = secrets.randbits(32)
            if ssrc and ssrc not in self._ssrcs:
                self._ssrcs.add(ssrc)
                return ssrc

    def return_ssrcs(self, *ssrcs: int) -> None:
        self._ssrcs.difference_update(ssrcs)

    def new_handle(self) -> int:
        """The number of an up stream, unique in the worker's life."""
        self._handles += 1
        return self._handles

    def _on_stun(self, datagram: bytes, source: Address, now: float) -> str | None:
        verdict = self._ice.receive(datagram, source, now)
        if isinstance(verdict, Drop):
            return None if self.measuring.take(datagram, source, now) else verdict.value
        verdict.owner.on_check(source, verdict.ufrag, verdict.nominates, now)
        # Behind what measures the line: with the answer a browser begins to send.
        self._answering.answer(verdict.owner, datagram, verdict.reply, source, now)
        return None
