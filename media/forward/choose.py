"""Which packet path a worker uses, and who hashes its journals: C where it can be had and agrees with Python about everything, else Python."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from pathlib import Path
from typing import Final, Literal, get_args

from media.forward.build import LANES, ready_library
from media.forward.native_memory import NativeUnusable, load_library
from media.forward.native_path import NativePath
from media.forward.path import ForwardPath, Watcher
from media.forward.python_path import PythonPath
from media.forward.self_test import check_native
from media.net.intake import reads_many
from media.net.mmsg import libc_call
from media.net.udp import UdpPort
from media.record.lanes import LanesUnusable, use_lanes

log = logging.getLogger(__name__)

# auto: C, else Python and a line in the log.   native: C, or the worker does not start.
Choice = Literal["auto", "native", "python"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)
DEFAULT: Final[Choice] = "auto"


def choose_path(wanted: Choice, folder: Path, port: UdpPort, dropped: Counter[str], watcher: Watcher) -> ForwardPath:
    """folder  where a compiled library may be kept.   Raises NativeUnusable only when `wanted` is native."""
    if wanted != "python":
        try:
            return _native(folder, port, dropped, watcher)
        except NativeUnusable as reason:
            if wanted == "native":
                raise
            log.warning("packets go through the Python path, at twice the cost: %s", reason)
    if libc_call("sendmmsg") is None or not reads_many(port.socket.family):
        log.warning(
            "each datagram has a call of its own, which costs a tenth more: libc has no recvmmsg and sendmmsg here"
        )
    cuts = kernel_cuts_datagrams(port.socket.family)
    return PythonPath(port.socket, dropped, watcher, cuts=cuts)


def _native(folder: Path, port: UdpPort, dropped: Counter[str], watcher: Watcher) -> ForwardPath:
    library = load_library(ready_library(folder))
    check_native(library)
    gso = kernel_cuts_datagrams(port.socket.family)
    log.info("packets go through the C path%s", "" if gso else ", one by one: this kernel has no UDP segmentation")
    return NativePath(library, port, dropped, watcher, gso=gso)


def choose_lanes(folder: Path) -> None:
    """Have the chunks of journals hashed side by side, where that can be had. `folder` as above."""
    try:
        use_lanes(ready_library(folder, LANES))
    except (NativeUnusable, LanesUnusable) as reason:
        log.warning("journals are hashed one stream after the other: %s", reason)


def kernel_cuts_datagrams(family: socket.AddressFamily) -> bool:
    """Whether one send with UDP_SEGMENT arrives as two datagrams: tried out, because some sandboxes only say so."""
    segment = 103  # linux/udp.h UDP_SEGMENT
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as here, socket.socket(family, socket.SOCK_DGRAM) as there:
            there.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
            there.settimeout(0.2)
            cut = (socket.IPPROTO_UDP, segment, (4).to_bytes(2, "little"))
            here.sendmsg([b"onetwo"], [cut], 0, there.getsockname())
            return there.recv(16) + there.recv(16) == b"onetwo"
    except OSError:
        return False
