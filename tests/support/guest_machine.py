"""A machine in QEMU whose power can be cut: a Linux with this Python and this project's recorder, and a disk that is looked at afterwards.

Emulated (TCG), because nested virtualization is not everywhere: it starts in some ten seconds and is about as fast as an old kiosk.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import _cffi_backend
import cryptography
from cryptography.hazmat.bindings import _rust

ROOT = Path(__file__).parents[2]
TOOLS = ("qemu-system-x86_64", "busybox", "cpio", "mkfs.ext4")
MODULES = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk")
KERNEL = "LAIZUO_TEST_GUEST_KERNEL"
HOW = (
    "apt-get install -y qemu-system-x86 busybox-static cpio e2fsprogs; apt-get download linux-image-cloud-amd64 (the version it names); "
    f"dpkg -x linux-image-*.deb DIR; {KERNEL}=DIR python3 -m pytest tests/faults/test_power_cut.py"
)
_NOT_NEEDED = shutil.ignore_patterns(
    "__pycache__", "site-packages", "test", "tests", "idlelib", "ensurepip", "tkinter", "lib2to3", "config-*", "*.a"
)

_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /guest
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
# Twice: which of them needs which is not the same in every kernel
for module in {modules} {modules}; do /bin/busybox insmod /modules/$module.ko 2>/dev/null; done
for module in {modules}; do /bin/busybox grep -q "^$module " /proc/modules || echo "no module $module"; done
/bin/busybox mount -t ext4 -o ro /dev/vdb /guest || echo "no guest"
/bin/busybox mount -t ext4 /dev/vda /guest/data || echo "no data"
/bin/busybox mount -t proc proc /guest/proc
/bin/busybox mount -o bind /dev /guest/dev
cd /
/bin/busybox chroot /guest /bin/env PYTHONPATH=/laizuo PYTHONDONTWRITEBYTECODE=1 PYTHONHOME={home} {python} -u -m tests.support.powercut_guest /data/journal
echo "the guest's program has ended"
/bin/busybox sleep 1000
"""


def why_not() -> str | None:
    """What is missing for a machine here; None: nothing."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0:
        return "mounting the machine's disk needs root"
    if missing:
        return f"{', '.join(missing)} not found"
    return None if os.environ.get(KERNEL) else f"no kernel in {KERNEL}"


def build(folder: Path) -> None:
    """Make `initrd`, `guest.img` and an empty `data.img` below the folder."""
    kernel = Path(os.environ[KERNEL])
    boot = folder / "boot"
    (boot / "bin").mkdir(parents=True)
    (boot / "modules").mkdir()
    shutil.copy(str(shutil.which("busybox")), boot / "bin/busybox")
    for module in MODULES:
        shutil.copy(next(kernel.glob(f"lib/modules/*/kernel/**/{module}.ko")), boot / "modules")
    python = Path(sys.base_prefix) / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    (boot / "init").write_text(_INIT.format(modules=" ".join(MODULES), home=sys.base_prefix, python=python))
    (boot / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(boot)) for path in [boot / "init", *boot.glob("*"), *boot.glob("*/*")])
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=boot, input=names.encode(), check=True, capture_output=True
    )
    (folder / "initrd").write_bytes(packed.stdout)
    _guest(folder / "guest", python)
    _image(folder / "guest.img", 400, folder / "guest")
    _image(folder / "data.img", 128, None)


def _guest(guest: Path, python: Path) -> None:
    for name in ("data", "proc", "dev", "tmp", "bin"):
        (guest / name).mkdir(parents=True, exist_ok=True)
    busybox = Path(str(shutil.which("busybox")))
    shutil.copy(busybox, guest / "bin/env")  # busybox does what its name says
    stdlib = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix}))
    shutil.copytree(stdlib, _inside(guest, stdlib), ignore=_NOT_NEEDED, symlinks=False)
    site = guest / "laizuo"
    shutil.copytree(Path(str(cryptography.__file__)).parent, site / "cryptography", ignore=_NOT_NEEDED)
    shutil.copy(_cffi_backend.__file__, site)
    shutil.copytree(
        ROOT / "media/record", site / "media/record", ignore=shutil.ignore_patterns("__pycache__", "films", "packs")
    )
    shutil.copy(ROOT / "media/__init__.py", site / "media")
    (site / "tests/support").mkdir(parents=True)
    shutil.copy(ROOT / "tests/support/powercut_guest.py", site / "tests/support")
    _put(guest, python)
    modules = [path for path in _inside(guest, stdlib).glob("lib-dynload/*.so")]
    for library in _libraries([python, Path(_rust.__file__), Path(_cffi_backend.__file__), *modules]):
        _put(guest, library)


def _inside(guest: Path, path: Path) -> Path:
    return guest / path.relative_to("/")


def _put(guest: Path, path: Path) -> None:
    target = _inside(guest, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def _libraries(binaries: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for binary in binaries:
        said = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
        found |= {Path(path) for path in re.findall(r"(/\S+\.so\S*) \(0x", said)}
    return found


def _image(image: Path, megabytes: int, content: Path | None) -> None:
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    fill = ["-d", str(content)] if content else []
    subprocess.run(["mkfs.ext4", "-q", "-F", *fill, str(image)], check=True)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The machine; its console is standard output. `kill` is the power cut: the host has what the guest flushed, and no more."""
    kernel = next(Path(os.environ[KERNEL]).glob("boot/vmlinuz-*"))
    command = [
        "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-m", "512", "-nodefaults", "-no-reboot", "-display", "none",
        "-serial", "stdio", "-kernel", str(kernel), "-initrd", str(folder / "initrd"), "-append", "console=ttyS0 quiet",
        "-drive", f"file={folder / 'data.img'},if=virtio,format=raw,cache=none",
        "-drive", f"file={folder / 'guest.img'},if=virtio,format=raw,readonly=on",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """What lies on the machine's disk, after the file system has put itself in order as at its next start."""
    place = folder / "disk"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(folder / "data.img"), str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
