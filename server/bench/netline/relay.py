"""The line itself: a UDP relay in a thread. A browser that is told the relay's port instead of the worker's is behind it."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from server.bench.netline.shape import Line, Shaper

Address = tuple[str, int]
LONGEST_WAIT_S = 0.02


@dataclass(frozen=True, slots=True)
class _Front:
    """What a browser is told in place of `worker`."""

    opened: socket.socket
    worker: Address


@dataclass(frozen=True, slots=True)
class _Back:
    """One towards a worker for each address of the browser, and where its answers go."""

    opened: socket.socket
    front: _Front
    browser: Address


class Relay:
    """`address` is what the browser is told. Use as a context manager; `darken` makes the line go dead and come back.

    A server with several ports is reached by several addresses (`address_for`): they are one line all the same.
    """

    def __init__(self, line: Line, worker: Address, seed: int = 1) -> None:
        dice = random.Random(seed)
        self.up, self.down = Shaper(line.up, dice), Shaper(line.down, dice)
        self._backs: dict[tuple[_Front, Address], _Back] = {}
        self._fronts: list[_Front] = []
        self._selector = selectors.DefaultSelector()
        self.address = self.address_for(worker)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._selector.close()
        ends: list[_Front | _Back] = [*self._fronts, *self._backs.values()]
        for end in ends:
            end.opened.close()

    def address_for(self, worker: Address) -> Address:
        """One address more for the browser, of another port behind the same line."""
        front = _Front(_socket(worker[0]), worker)
        self._fronts.append(front)
        self._selector.register(front.opened, selectors.EVENT_READ, front)
        address: Address = front.opened.getsockname()
        return address

    def darken(self, dark: bool) -> None:
        self.up.dark = self.down.dark = dark

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(self._wait_s()):
                self._take(key.data)
            now = time.monotonic()
            with contextlib.suppress(OSError):
                for datagram, end in self.up.due(now):
                    assert isinstance(end, _Back)
                    end.opened.send(datagram)
            with contextlib.suppress(OSError):
                for datagram, end in self.down.due(now):
                    assert isinstance(end, _Back)
                    end.front.opened.sendto(datagram, end.browser)

    def _wait_s(self) -> float:
        due = [at for at in (self.up.next_at(), self.down.next_at()) if at is not None]
        return max(0.0, min([LONGEST_WAIT_S, *(at - time.monotonic() for at in due)]))

    def _take(self, end: _Front | _Back) -> None:
        """Everything that is there: from browsers, or from a worker for one of them."""
        with contextlib.suppress(OSError):
            while True:
                datagram, source = end.opened.recvfrom(2048)
                now = time.monotonic()
                if isinstance(end, _Front):
                    self.up.send(datagram, self._back(end, source), now)
                else:
                    self.down.send(datagram, end, now)

    def _back(self, front: _Front, browser: Address) -> _Back:
        back = self._backs.get((front, browser))
        if back is None:
            back = self._backs[front, browser] = _Back(_socket(front.worker[0]), front, browser)
            back.opened.connect(front.worker)
            self._selector.register(back.opened, selectors.EVENT_READ, back)
        return back


def _socket(host: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    opened.setblocking(False)
    opened.bind((host, 0))
    return opened
