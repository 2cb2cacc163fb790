"""A way into the media worker that carries TCP and nothing else: browsers are told its address; what they send there by UDP is lost."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.product import Product, ProductFactory

TOLD = "127.0.0.2"  # another address of loopback: the worker is bound to 127.0.0.1
LOOK_S = 0.1


def free_port() -> int:
    """A port that neither UDP of the worker's address nor TCP of either is using."""
    while True:
        with socket.socket() as told, socket.socket() as worker:
            told.bind((TOLD, 0))
            port = int(told.getsockname()[1])
            with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                worker.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port


def product_told(start_product: ProductFactory, port: int) -> Product:
    """A product whose browsers are told the way of `tcp_only(port)` and no other."""
    environ = {"LAIZUO_MEDIA_PORT": str(port), "LAIZUO_MEDIA_ANNOUNCE": TOLD}
    return start_product("--workers", "1", environ=environ).wait_ready()


class TcpOnly:
    """Carries TOLD:port to 127.0.0.1:port in a thread. `carried` counts bytes, both ways."""

    def __init__(self, port: int) -> None:
        self.carried = 0
        self._port = port
        self._listener = socket.create_server((TOLD, port))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(LOOK_S):
                if key.data is None:
                    self._accept()
                elif key.fileobj in [one.fileobj for one in self._selector.get_map().values()]:
                    assert isinstance(key.fileobj, socket.socket)
                    self._carry(key.fileobj, key.data)

    def _accept(self) -> None:
        here, _ = self._listener.accept()
        there = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        for one, other in ((here, there), (there, here)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(30)
            self._selector.register(one, selectors.EVENT_READ, other)

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        """Pass on what came; the end of one side is the end of both."""
        data = b""
        with suppress(OSError):
            data = here.recv(1 << 16)
            there.sendall(data)
        self.carried += len(data)
        if not data:
            for one in (here, there):
                self._selector.unregister(one)
                one.close()


@contextmanager
def tcp_only(port: int) -> Iterator[TcpOnly]:
    """Such a way until the block ends."""
    way = TcpOnly(port)
    try:
        yield way
    finally:
        way.close()
