"""Being let run soon after waking, where others share the processors (Linux 6.12 and newer).

Who asks for little time at once is let in sooner; he gets no more in all, and needs no right to ask. Who does not ask waits until whoever
runs has had his slice, and whether he has is looked at with the tick of the clock only: that is four milliseconds for a packet.

Source: sched_setattr(2); Documentation/scheduler/sched-eevdf.rst of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import platform
from struct import Struct
from typing import Final

# The least that the kernel takes.
SLICE_NS: Final = 100_000
# The C library has no function for it before glibc 2.41.
_CALLS: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
# size, policy, flags, nice, priority, runtime, deadline, period: include/uapi/linux/sched/types.h
_ATTRIBUTES: Final = Struct("=IIQiIQQQ")
_OTHER: Final = 0  # SCHED_OTHER


def ask_for_short_slices() -> bool:
    """For the thread that calls. Whether the kernel took it: older ones take it and change nothing."""
    number = _CALLS.get(platform.machine())
    if number is None or os.sched_getscheduler(0) != _OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, _OTHER, 0, nice, 0, SLICE_NS, 0, 0)
    taken: int = ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_int(0), wanted, ctypes.c_uint(0))
    return taken == 0
