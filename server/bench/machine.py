"""Facts of this machine and of other processes on it. Linux only: the clocks of other processes and /proc are read."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path

from server.bench.core import Value

# The kernel's id of "CPU time of process pid" (include/linux/posix-timers.h: CPUCLOCK_SCHED = 2). Nanoseconds, where /proc/PID/stat
# counts in ticks of 10 ms: a slice of two seconds would carry half a percent of error from the tick alone.
CPUCLOCK_SCHED = 2


def process_cpu_s(pid: int) -> float:
    """Seconds of CPU, user and system, of all threads of a process since its start. Raises OSError when there is no such process."""
    return time.clock_gettime((~pid) << 3 | CPUCLOCK_SCHED)


def resident_kib(pid: int) -> int:
    """Resident memory of a process in KiB. Raises OSError when there is no such process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise OSError(f"process {pid} has no resident memory (a zombie)")


def machine_facts() -> dict[str, Value]:
    """`load_1m` is the machine's load just now: above the number of cores, absolute figures of this run mean little."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "system": _system_name(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def package_versions(*packages: str) -> dict[str, str]:
    """Versions of this Python and of the named distributions; one that is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
