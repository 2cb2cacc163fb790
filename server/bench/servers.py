"""The servers under test as child processes: our media worker, and Janus with a private configuration.

Each is a context manager that yields a running server; its log is shown when it does not come up.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.bench import BenchError, NotInstalled

START_WITHIN_S = 60.0
STOP_WITHIN_S = 5.0
ROOT = Path(__file__).resolve().parent.parent.parent  # where `python -m media` and `-m server` are found
LOOPBACK = "127.0.0.1"
JANUS_INSTALL = "janus is not installed; on Debian: apt install janus"
JANUS_MODULES = ("lib/*", "lib", "local/lib")  # Debian (by architecture), others, built by hand
JANUS_KEPT = {"libjanus_videoroom.so", "libjanus_http.so"}


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`place` is what the load generator takes as --server, `host` the address of the server's candidates."""

    name: str
    pid: int
    place: str
    host: str


def own_address() -> str:
    """An address of this machine, the same for all servers under test; what is sent to it goes through the loopback device.

    Not 127.0.0.1 where there is another: Janus never offers a candidate on the loopback interface, whatever its configuration says.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737); nothing is sent, only the route is asked for
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])


@contextmanager
def media_worker(name: str, folder: Path, extra: Sequence[str] = ()) -> Iterator[RunningServer]:
    """One worker of this checkout or installation, with a port of its own choice."""
    host = own_address()
    folder.mkdir(parents=True)
    control = folder / "control.sock"
    command = [sys.executable, "-m", "media", "--name", "w0", "--control", f"unix:{control}", "--udp", f"{host}:0"]
    command += ["--announce", host, "--data", str(folder), *extra]
    with _child(command, folder / "log") as process:
        _wait(lambda: _accepts(socket.AF_UNIX, str(control)), process, folder / "log", name)
        yield RunningServer(name, process.pid, f"worker:{control}", host)


@contextmanager
def relay(name: str, folder: Path) -> Iterator[RunningServer]:
    """aiortc's MediaRelay (relaying/server.py)."""
    if own_address() == LOOPBACK:
        raise BenchError("aiortc is never reached over the loopback interface, and this machine has no other")
    folder.mkdir(parents=True)
    log = folder / "log"
    with _child([sys.executable, "-m", "server.bench.relaying.server"], log) as process:
        _wait(lambda: b"port " in log.read_bytes(), process, log, name)
        port = int(log.read_text().partition("port ")[2].split()[0])
        yield RunningServer(name, process.pid, f"relay:http://127.0.0.1:{port}", own_address())


@contextmanager
def janus(name: str, folder: Path, event_loops: int) -> Iterator[RunningServer]:
    """Janus with VideoRoom and HTTP only. `event_loops` 0 is its default, a thread per handle."""
    if shutil.which("janus") is None:
        raise NotInstalled(JANUS_INSTALL)
    folder.mkdir(parents=True)
    port = free_port()
    write_janus_config(folder, port, event_loops)
    with _child(["janus", "-F", str(folder), "-C", str(folder / "janus.jcfg")], folder / "log") as process:
        _wait(lambda: _accepts(socket.AF_INET, ("127.0.0.1", port)), process, folder / "log", name)
        yield RunningServer(name, process.pid, f"janus:http://127.0.0.1:{port}/janus", own_address())


def write_janus_config(folder: Path, port: int, event_loops: int) -> None:
    """ICE-lite like ours, no session time-out; all else as Debian ships it."""
    modules = {kind: ",".join(_unused_modules(kind)) for kind in ("plugins", "transports", "loggers", "events")}
    loops = f"event_loops = {event_loops}" if event_loops else ""
    text = f"""
    general: {{ configs_folder = "{folder}" debug_level = 3 session_timeout = 0 {loops} }}
    nat: {{ ice_lite = true ignore_mdns = true }}
    plugins: {{ disable = "{modules["plugins"]}" }}
    transports: {{ disable = "{modules["transports"]}" }}
    loggers: {{ disable = "{modules["loggers"]}" }}
    events: {{ broadcast = false }}
    """
    (folder / "janus.jcfg").write_text(text)
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
    transport = (
        f'general: {{ json = "compact" base_path = "/janus" http = true ip = "127.0.0.1" port = {port} https = false }}'
    )
    (folder / "janus.transport.http.jcfg").write_text(transport + "\nadmin: { admin_http = false }\n")


def janus_version() -> str:
    """Version of the installed Janus and what its libsrtp computes with: NSS (Debian) is dearer than OpenSSL."""
    if shutil.which("janus") is None:
        return "not installed"
    text = subprocess.run(["janus", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(([\d.]+)\)", text)
    return f"{found[1] if found else 'unknown'}, libsrtp on {_libsrtp_flavour()}"


def _libsrtp_flavour() -> str:
    path = shutil.which("janus")
    listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
    library = re.search(r"libsrtp2\S* => (\S+)", listed)
    if library is None:
        return "an unknown library"
    needs = subprocess.run(["ldd", library[1]], capture_output=True, text=True, check=False).stdout
    return "NSS" if "libnss3" in needs else "OpenSSL" if "libcrypto" in needs else "its own ciphers"


def _unused_modules(kind: str) -> list[str]:
    found = {path.name for place in JANUS_MODULES for path in Path("/usr").glob(f"{place}/janus/{kind}/*.so")}
    return sorted(found - JANUS_KEPT)


@contextmanager
def _child(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, cwd=ROOT) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, name: str) -> None:
    end = time.monotonic() + START_WITHIN_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise BenchError(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _accepts(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
