"""Supervision of real small processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.supervise.child import CannotStart, Child, Plan
from server.supervise.core import Policy, Stage
from server.supervise.home import Home, HomeTaken
from server.supervise.process import Command
from tests.support.eventually import eventually

QUICK = Policy(
    healthy_s=60,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    longest_wait_after_ready_s=0.05,
    start_timeout_s=10,
    grace_s=0.3,
)

STAYS = "print('ready', flush=True); import time; time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS
ECHO = "import sys; print('got', sys.stdin.read(), flush=True); " + STAYS
SPAWN = """
import subprocess, sys
for argument in sys.argv[2:]:
    print(subprocess.Popen([sys.executable, "-c", sys.argv[1], argument], stdout=subprocess.DEVNULL).pid)
"""
BREAKS = "import sys; print('the cable is missing', file=sys.stderr); sys.exit(3)"


class Shown:
    """Writes at once, where pytest sees it."""

    def write(self, line: str) -> None:
        print(line, file=sys.stderr)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    taken = Home(tmp_path / "data")
    yield taken
    taken.close()


@pytest.fixture
async def keep(home: Home) -> AsyncIterator[Callable[..., Child]]:
    """Keeps children of small Python programs."""
    tasks, children = [], []

    def run(program: str, name: str = "child", policy: Policy = QUICK, given: bytes | None = None) -> Child:
        async def prepare() -> Command:
            return Command((sys.executable, "-c", program), given=given)

        async def gift() -> bytes:
            return given or b""

        plan = Plan(name, Stage.MEDIA, prepare, given=gift if given is not None else None, policy=policy)
        children.append(Child(plan, home, Shown(), given_up.append))
        tasks.append(asyncio.create_task(children[-1].keep()))
        return children[-1]

    given_up: list[str] = []
    yield run
    for child in children:
        await child.stop(lambda: 0.0, asyncio.Event())
    await asyncio.gather(*tasks)


def pid_of(home: Home, name: str = "child") -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int((home.run / f"{name}.pid").read_text())
    return None


def child_pid(home: Home) -> int:
    pid = pid_of(home)
    assert pid is not None
    return pid


async def successor(home: Home, old: int) -> int:
    await eventually(lambda: None if pid_of(home) not in (None, old) else f"{old} has no successor")
    return child_pid(home)


async def test_a_killed_child_is_replaced(keep: Callable[..., Child], home: Home) -> None:
    child = keep(STAYS)
    await child.ready.wait()
    first = child_pid(home)

    os.kill(first, signal.SIGKILL)
    second = await successor(home, first)
    await child.ready.wait()

    assert Path(f"/proc/{second}").exists()
    assert not Path(f"/proc/{first}").exists()


async def test_readiness_is_withdrawn_while_it_is_away(keep: Callable[..., Child], home: Home) -> None:
    child = keep(STAYS, policy=Policy(first_wait_s=60, healthy_s=60, longest_wait_after_ready_s=60))
    await child.ready.wait()
    first = child_pid(home)
    os.kill(first, signal.SIGKILL)  # the first end in a row is made good at once, the second one waits a minute
    second = await successor(home, first)
    await child.ready.wait()

    os.kill(second, signal.SIGKILL)

    await eventually(lambda: "still ready" if child.ready.is_set() else None)
    assert pid_of(home) is None


async def test_a_crash_loop_is_reported_with_its_last_words(
    keep: Callable[..., Child], capfd: pytest.CaptureFixture[str]
) -> None:
    keep(BREAKS)
    said: list[str] = []

    def why() -> str | None:
        said.append(capfd.readouterr().err)
        return None if "ended 3 times in a row" in "".join(said) else "no report yet: " + "".join(said)

    await eventually(why)

    text = "".join(said)
    assert "child ended with code 3; starting it again at once" in text
    assert "ATTENTION: child has ended 3 times in a row. The last it wrote:\n    the cable is missing" in text


async def test_output_is_marked_and_the_ready_line_is_not_shown(
    keep: Callable[..., Child], capfd: pytest.CaptureFixture[str]
) -> None:
    child = keep(ECHO, given=b"the settings")
    await child.ready.wait()

    captured = capfd.readouterr()
    assert captured.err == "child    got the settings\n"
    assert captured.out == ""


async def test_a_deaf_child_is_killed_after_its_grace(keep: Callable[..., Child]) -> None:
    child = keep(DEAF)
    await child.ready.wait()

    await child.stop(lambda: QUICK.grace_s, asyncio.Event())

    assert not child.ready.is_set()


async def test_asking_again_cuts_the_grace_short(keep: Callable[..., Child]) -> None:
    child = keep(DEAF)
    await child.ready.wait()
    hurry = asyncio.Event()

    stopping = asyncio.create_task(child.stop(lambda: 0.0 if hurry.is_set() else 600.0, hurry))
    hurry.set()
    async with asyncio.timeout(60):
        await stopping


async def test_a_child_that_never_gets_ready_is_ended(
    keep: Callable[..., Child], capfd: pytest.CaptureFixture[str]
) -> None:
    keep("import time; time.sleep(600)", policy=Policy(start_timeout_s=0.05, first_wait_s=60))

    said: list[str] = []

    def why() -> str | None:
        said.append(capfd.readouterr().err)
        return None if "was not ready after" in "".join(said) else "not said yet"

    await eventually(why)


async def test_what_cannot_be_prepared_is_given_up_with_its_reason(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    async def prepare() -> Command:
        raise CannotStart("there is no PostgreSQL here")

    given_up: list[str] = []
    await Child(Plan("postgres", Stage.DATABASE, prepare), home, Shown(), given_up.append).keep()

    assert given_up == ["postgres cannot start; see above"]
    assert "there is no PostgreSQL here" in capfd.readouterr().err


def test_a_data_directory_has_one_parent(home: Home) -> None:
    with pytest.raises(HomeTaken, match=rf"{home.data} is in use by another laizuo \(process {os.getpid()}\)"):
        Home(home.data)


def test_leftovers_of_a_killed_parent_are_ended_and_strangers_are_not(home: Home, tmp_path: Path) -> None:
    script = tmp_path / "spawn.py"
    script.write_text(SPAWN)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    answer = subprocess.run(
        [sys.executable, script, deaf, str(home.data), "elsewhere"], stdout=subprocess.PIPE, text=True, check=True
    )
    ours, stranger = (int(line) for line in answer.stdout.split())
    home.write_pid("w0", ours)
    home.write_pid("w1", stranger)

    home.end_leftovers()

    assert (is_running(ours), is_running(stranger)) == (False, True)
    os.kill(stranger, signal.SIGKILL)


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
