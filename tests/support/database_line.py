"""A line to PostgreSQL that can be cut and mended: a unix socket that passes bytes on."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"


@dataclass(slots=True)
class DatabaseLine:
    """`url` is what the product gets; `cut` ends all connections and refuses new ones, `mend` takes them again."""

    behind: Path
    directory: Path
    url: str
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @classmethod
    async def to(cls, url: str, directory: Path) -> DatabaseLine:
        """A line to the database of this URL (whose `host` is a directory of sockets)."""
        parts = urlsplit(url)
        behind = Path(parse_qs(parts.query)["host"][0]) / SOCKET
        line = cls(behind, directory, f"{parts.scheme}://{parts.netloc}{parts.path}?host={directory}")
        await line.mend()
        return line

    async def mend(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, path=str(self.directory / SOCKET))

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        (self.directory / SOCKET).unlink()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_unix_connection(str(self.behind))
        self._writers |= {writer, behind_writer}
        try:
            await asyncio.gather(_pass(reader, behind_writer), _pass(behind_reader, writer))
        finally:
            self._writers -= {writer, behind_writer}
            writer.transport.abort()
            behind_writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
