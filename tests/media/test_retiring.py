"""A worker that is being replaced: nobody new comes to it, who is there stays, and it ends after the last one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.media_worker import Refused, running_worker


async def test_a_retiring_worker_ends_with_its_last_room_and_not_before(tmp_path: Path) -> None:
    async with running_worker(tmp_path, "--path", "python") as worker:
        controller = await worker.controller()
        room = {"room": "r1", "session": "s1", "epoch": 1}
        await controller.ask("open_room", **room, capacity=4, record=None)

        worker.process.send_signal(signal.SIGUSR1)

        async def not_draining() -> str | None:
            state = await controller.ask("hello", protocol=1, controller="test")
            return None if state["draining"] else "it has not heard the signal"

        await eventually(not_draining)
        with pytest.raises(Refused, match="draining"):
            await controller.ask("open_room", room="r2", session="s2", epoch=1, capacity=4, record=None)
        assert worker.process.returncode is None
        await controller.ask("close_room", room="r1", epoch=1, reason="ended")
        assert await worker.process.wait() == 0
        await controller.close()
