"""What goes to the process that reads, and what comes back: JSON, one object each way."""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec

from server.bench import BenchError
from server.bench.feedload.line import Read
from server.bench.servers import ROOT


class Order(msgspec.Struct):
    """`rate` 0: as fast as the connections can. `checks`: bodies are held against their tags."""

    url: str
    length_s: float
    connections: int
    rate: int = 0
    conditional: bool = True
    headers: str = ""
    checks: bool = True


class Seen(msgspec.Struct):
    """What a load saw.

    answers   [tag, when it was asked] in order of their arrival; CLOCK_MONOTONIC, which all processes of a machine share
    latencies_ms   from the moment a read was due to its last byte
    late_ms        how late the clock of the reads itself ever was: latencies below it say more of this process than of the server
    """

    statuses: dict[str, int] = {}
    latencies_ms: list[float] = []
    answers: list[tuple[str, float]] = []
    wrong: int = 0
    took_s: float = 0.0
    late_ms: float = 0.0

    def note(self, read: Read, due: float, asked: float) -> None:
        """An answer that came just now."""
        now = time.monotonic()
        self.latencies_ms.append((now - due) * 1000)
        self.statuses[str(read.status)] = self.statuses.get(str(read.status), 0) + 1
        self.answers.append((read.tag, asked))
        self.wrong += not read.whole

    @property
    def count(self) -> int:
        return len(self.latencies_ms)


async def carry_out(order: Order) -> Seen:
    """Have an order carried out by a process. Raises BenchError with what it said."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.bench.feedload", cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        out, said = await process.communicate(msgspec.json.encode(order))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise BenchError(f"the readers failed:\n{said.decode(errors='replace')[-1500:]}")
    try:
        return msgspec.json.decode(out, type=Seen)
    except msgspec.DecodeError as error:
        raise BenchError(f"the readers said {len(out)} bytes that end in {out[-80:]!r}: {error}\n{said!r}") from error
