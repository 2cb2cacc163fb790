"""One connection that reads a calendar again and again, in as few steps as HTTP allows."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Read:
    """One answer. `whole` False: a body whose bytes do not have its tag, or a status that is neither 200 nor 304."""

    status: int
    tag: str
    whole: bool


class Line:
    """Opened when it is first used, and anew where the server closes it.

    headers   sent with every request, each ending in CRLF
    checks    whether bodies are held against their tag: ours are a hash of the bytes, other servers' are not
    """

    def __init__(self, url: str, headers: str, *, checks: bool) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = f"GET {parts.path} HTTP/1.1\r\nHost: {self._host}\r\n{headers}"
        self._checks = checks
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, known: str = "") -> Read:
        """One read; conditional where a tag is known."""
        try:
            return await self._ask(known)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()  # closed between two requests, which HTTP allows
            return await self._ask(known)

    async def _ask(self, known: str) -> Read:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        condition = f"If-None-Match: {known}\r\n" if known else ""
        writer.write(f"{self._head}{condition}\r\n".encode())
        first, found = _parsed(await reader.readuntil(b"\r\n\r\n"))
        status = int(first.split()[1])
        body = b"" if status == 304 else await reader.readexactly(int(found.get("content-length", "0")))
        if first.startswith("HTTP/1.0") or found.get("connection", "").lower() == "close":
            self.close()
        tag = found.get("etag", "")
        return Read(status, tag, self._is_whole(status, tag, body))

    def _is_whole(self, status: int, tag: str, body: bytes) -> bool:
        if status == 200 and self._checks:
            return tag == f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return status in (200, 304)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _parsed(raw: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = raw.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return first, {name.lower(): value.strip() for name, _, value in pairs}
