"""Real calendar programs as subprocesses: vdirsyncer fetches a feed into a folder, khal reads it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_VDIRSYNCER = """
[general]
status_path = "{home}/status/"

[pair duty]
a = "remote"
b = "local"
collections = null

[storage remote]
type = "http"
url = "{url}"

[storage local]
type = "filesystem"
path = "{home}/events/"
fileext = ".ics"
"""

_CALDAV = """
[general]
status_path = "{home}/status/"

[pair mirror]
a = "remote"
b = "local"
collections = ["from a"]
conflict_resolution = "a wins"

[storage remote]
type = "caldav"
url = "{url}"
username = "{user}"
password = "{password}"
read_only = true

[storage local]
type = "filesystem"
path = "{home}/events/"
fileext = ".ics"
"""

_FOLLOWED = """
[pair {name}]
a = "{name}_remote"
b = "{name}_local"
collections = null

[storage {name}_remote]
type = "http"
url = "{url}"

[storage {name}_local]
type = "filesystem"
path = "{home}/events/{name}/"
fileext = ".ics"
"""

_CALENDAR = """
[[{name}]]
path = {home}/events/{folder}
readonly = True
"""

_KHAL = """
[calendars]
{calendars}

[locale]
local_timezone = Asia/Shanghai
default_timezone = Asia/Shanghai
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M

[sqlite]
path = {home}/khal.db
"""


class CalendarClients:
    """One person's calendar programs, with their files below `home`."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        (home / "events").mkdir(parents=True)
        (home / "vdirsyncer.conf").write_text(_VDIRSYNCER.format(home=home, url=url))
        self._show({"duty": ""})

    def _show(self, folders: Mapping[str, str]) -> None:
        """khal's calendars by name, each a folder below `events`."""
        each = "".join(_CALENDAR.format(home=self.home, name=name, folder=folder) for name, folder in folders.items())
        (self.home / "khal.conf").write_text(_KHAL.format(home=self.home, calendars=each))

    def follow(self, urls: Mapping[str, str]) -> None:
        """Several feeds at once, each a calendar of this name."""
        pairs = "".join(_FOLLOWED.format(home=self.home, name=name, url=url) for name, url in urls.items())
        (self.home / "vdirsyncer.conf").write_text(f'[general]\nstatus_path = "{self.home}/status/"\n{pairs}')
        self._show({name: name for name in urls})

    def use_caldav(self, url: str, user: str, password: str) -> None:
        """Mirror collections instead of a file, each in a folder of its own."""
        text = _CALDAV.format(home=self.home, url=url, user=user, password=password)
        (self.home / "vdirsyncer.conf").write_text(text)

    async def discover(self) -> None:
        """vdirsyncer wants to be told once that both sides are meant, and which folders it may make."""
        await self._run("vdirsyncer", "-c", "vdirsyncer.conf", "discover", answers="y\n" * 20)

    async def sync(self, collection: str = "") -> list[str]:
        """Fetch the feed; the events that are in the folder afterwards.

        vdirsyncer's http side gives every item a UID of its own (a hash of its content), so UIDs are looked at in the feed itself.
        """
        await self._run("vdirsyncer", "-c", "vdirsyncer.conf", "sync")
        return [path.read_text("utf-8") for path in (self.home / "events" / collection).glob("*.ics")]

    async def agenda(self, first: str, days: int, *, named: bool = False) -> list[str]:
        """khal's occurrences as `2026-11-23 09:00 12:00 title`, in order; with the calendar's name in front where `named`."""
        line = ("{calendar} " if named else "") + "{start-date} {start-time} {end-time} {title}"
        more = ["--once"] if named else []  # a bar of several days is one occurrence
        out = await self._run(
            "khal", "-c", "khal.conf", "list", *more, "--day-format", "", "--format", line, first, f"{days}d"
        )
        return sorted(entry for entry in out.splitlines() if entry)

    async def _run(self, program: str, *arguments: str, answers: str = "") -> str:
        command = Path(sys.executable).parent / program
        env = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        process = await asyncio.create_subprocess_exec(
            str(command),
            *arguments,
            cwd=self.home,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(answers.encode())
        assert process.returncode == 0, f"{program} {arguments}:\n{out.decode()}\n{err.decode()}"
        return out.decode()
