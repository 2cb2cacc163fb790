"""The line itself: a UDP relay in a thread. A browser that is told the relay's port instead of the worker's is behind it."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
import time
from types import TracebackType

from server.bench.netline.shape import Line, Shaper

Address = tuple[str, int]
LONGEST_WAIT_S = 0.02


class Relay:
    """`address` is what the browser is told. Use as a context manager; `darken` makes the line go dead and come back."""

    def __init__(self, line: Line, worker: Address, seed: int = 1) -> None:
        dice = random.Random(seed)
        self.up, self.down = Shaper(line.up, dice), Shaper(line.down, dice)
        self._worker = worker
        self._front = _socket(worker[0])
        self.address: Address = self._front.getsockname()
        self._backs: dict[Address, socket.socket] = {}  # one towards the worker for each address of the browser
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ, None)
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
        for opened in (self._front, *self._backs.values()):
            opened.close()

    def darken(self, dark: bool) -> None:
        self.up.dark = self.down.dark = dark

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(self._wait_s()):
                assert isinstance(key.fileobj, socket.socket)
                self._take(key.fileobj, key.data)
            now = time.monotonic()
            with contextlib.suppress(OSError):
                for datagram, back in self.up.due(now):
                    assert isinstance(back, socket.socket)
                    back.send(datagram)
            with contextlib.suppress(OSError):
                for datagram, browser in self.down.due(now):
                    assert isinstance(browser, tuple)
                    self._front.sendto(datagram, browser)

    def _wait_s(self) -> float:
        due = [at for at in (self.up.next_at(), self.down.next_at()) if at is not None]
        return max(0.0, min([LONGEST_WAIT_S, *(at - time.monotonic() for at in due)]))

    def _take(self, opened: socket.socket, browser: Address | None) -> None:
        """Everything that is there: from browsers (None), or from the worker for one of them."""
        with contextlib.suppress(OSError):
            while True:
                datagram, source = opened.recvfrom(2048)
                now = time.monotonic()
                if browser is None:
                    self.up.send(datagram, self._back(source), now)
                else:
                    self.down.send(datagram, browser, now)

    def _back(self, browser: Address) -> socket.socket:
        back = self._backs.get(browser)
        if back is None:
            back = self._backs[browser] = _socket(self._worker[0])
            back.connect(self._worker)
            self._selector.register(back, selectors.EVENT_READ, browser)
        return back


def _socket(host: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    opened.setblocking(False)
    opened.bind((host, 0))
    return opened
