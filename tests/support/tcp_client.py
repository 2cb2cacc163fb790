"""The browser stand-in over TCP: it takes the passive candidate of the answer (RFC 6544) and puts lengths before packets (RFC 4571)."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from tests.support.rtc_client import RtcClient


class TcpClient(RtcClient):
    """As RtcClient; the connection is opened when the answer is there."""

    def _open_socket(self) -> None:
        self._pending = b""
        self.sock = socket.socket(self.family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)

    def take_answer(self, answer: str) -> None:
        super().take_answer(answer)
        self.sock.connect(tcp_address(answer, self.host))
        self.sock.setblocking(False)
        self._loop.add_reader(self.sock.fileno(), self._read)

    def send_raw(self, data: bytes) -> None:
        with suppress(BlockingIOError, BrokenPipeError, ConnectionError):
            sent = self.sock.send(len(data).to_bytes(2, "big") + data)
            assert sent == len(data) + 2, "the connection takes no more"

    def _read(self) -> None:
        try:
            data = self.sock.recv(1 << 16)
        except (BlockingIOError, ConnectionError):
            return
        if not data:
            self._loop.remove_reader(self.sock.fileno())
            return
        self._pending += data
        while len(self._pending) >= 2 and len(self._pending) >= (end := 2 + int.from_bytes(self._pending[:2], "big")):
            packet, self._pending = self._pending[2:end], self._pending[end:]
            self._take(packet)


def tcp_address(answer: str, host: str = "127.0.0.1") -> tuple[str, int]:
    """The passive TCP candidate of an answer."""
    found = re.search(rf"a=candidate:\S+ 1 tcp \d+ ({re.escape(host)}) (\d+) typ host tcptype passive", answer)
    assert found, f"no TCP candidate in {answer}"
    return found[1], int(found[2])
