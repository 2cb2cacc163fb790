"""A worker whose TCP port another program has: nobody loses more than the way round."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.support.media_worker import running_worker


async def test_a_taken_tcp_port_is_one_warning_and_no_reason_not_to_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with running_worker(tmp_path, "--tcp", f"127.0.0.1:{taken}") as worker:
            controller = await worker.controller()
            media = (await controller.ask("hello", protocol=1, controller="test"))["media"]
            await controller.close()

    warned = [line for line in worker.log if "WARNING __main__" in line]  # asyncio has its own here, of slowness
    assert len(warned) == 1, worker.log
    assert "nobody is reached over TCP" in warned[0]
    assert "in use" in warned[0]
    assert media["udp"] != []


async def test_an_empty_announced_address_is_none(tmp_path: Path) -> None:
    told = ("--announce", "127.0.0.1", "--announce", "")
    async with running_worker(tmp_path, *told) as worker:
        controller = await worker.controller()
        media = (await controller.ask("hello", protocol=1, controller="test"))["media"]
        await controller.close()

    assert [at["host"] for at in media["udp"]] == ["127.0.0.1"]
