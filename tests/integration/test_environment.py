"""The first start on a fresh machine: a real pip (or uv) fills a real environment, from a directory instead of a registry."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.product import ROOT

# What `python3 -m server` does before it needs anything that is not there yet
START = "from server import environment as e\ntry: e.ensure('run')\nexcept e.EnvironmentFailed as f: raise SystemExit(str(f))"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A fresh clone with one small package in its lock file."""

    root: Path
    wheels: Path

    @property
    def environment(self) -> Path:
        return self.root / ".venv"

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "LAIZUO_"))}
        offline = {
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.wheels),
        }
        return {**kept, **offline, "PIP_FIND_LINKS": str(self.wheels)}

    def begin(self) -> subprocess.Popen[str]:
        python = getattr(sys, "_base_executable", sys.executable)  # the system's, as on a first start
        return subprocess.Popen(
            [python, "-c", START], cwd=self.root, env=self.environ(), stderr=subprocess.PIPE, text=True
        )

    def start(self) -> tuple[int, str]:
        """Exit code and what the person at the terminal sees."""
        process = self.begin()
        _, said = process.communicate()
        return process.returncode, said

    def installed(self) -> str:
        """What the environment's own interpreter imports."""
        answer = subprocess.run(
            [self.environment / "bin/python", "-c", "import sample; print(sample.VERSION)"],
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.strip() or answer.stderr

    def pin(self, version: str, digest: str | None = None) -> None:
        wheel = make_wheel(self.wheels, version)
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / "requirements.run.lock").write_text(f"sample=={version} \\\n    --hash=sha256:{digest}\n")


def make_wheel(folder: Path, version: str) -> Path:
    """A package of one line, as an installer wants it."""
    path = folder / f"sample-{version}-py3-none-any.whl"
    files = {
        "sample.py": f"VERSION = {version!r}\n",
        f"sample-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: sample\nVersion: {version}\n",
        f"sample-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"sample-{version}.dist-info/RECORD"
    rows = [f"{name},sha256={digest_of(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
    return path


def digest_of(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "checkout", tmp_path / "wheels")
    (made.root / "server").mkdir(parents=True)
    made.wheels.mkdir()
    for name in ("__init__.py", "environment.py", "install_progress.py"):
        shutil.copy(ROOT / "server" / name, made.root / "server" / name)
    made.pin("1.0")
    return made


def test_the_first_start_installs_and_the_second_one_says_nothing(checkout: Checkout) -> None:
    first = checkout.start()
    second = checkout.start()

    assert first[0] == 0
    assert "Installing the pinned packages" in first[1]
    assert checkout.installed() == "1.0"
    assert second == (0, "")


def test_a_new_lock_file_is_followed(checkout: Checkout) -> None:
    checkout.start()
    checkout.pin("1.1")

    assert checkout.start()[0] == 0
    assert checkout.installed() == "1.1"


def test_two_first_starts_at_once_install_once(checkout: Checkout) -> None:
    both = [checkout.begin(), checkout.begin()]
    said = [process.communicate()[1] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert "".join(said).count("Installing the pinned packages") == 1
    assert checkout.installed() == "1.0"


def test_an_installation_that_was_cut_off_is_started_over(checkout: Checkout) -> None:
    checkout.start()
    module = next(checkout.environment.rglob("sample.py"))
    module.unlink()  # it may be a link into the installer's cache
    module.write_text("VERS")
    (checkout.environment / ".laizuo-run").unlink()
    (checkout.environment / ".laizuo-installing").touch()

    code, said = checkout.start()

    assert (code, "cut off; starting it over" in said) == (0, True)
    assert checkout.installed() == "1.0"
    assert checkout.start() == (0, "")


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.start()
    python = checkout.environment / "bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")

    assert checkout.start()[0] == 0
    assert checkout.installed() == "1.0"


def test_an_environment_of_another_python_version_is_made_anew(checkout: Checkout) -> None:
    """As after an upgrade of the system: the same link now leads to another version, whose packages are not there."""
    checkout.start()
    library = next((checkout.environment / "lib").glob("python3*"))
    library.rename(library.with_name("python3.9"))

    assert checkout.start()[0] == 0
    assert checkout.installed() == "1.0"


def test_a_package_that_is_not_the_pinned_one_is_refused(checkout: Checkout) -> None:
    checkout.pin("1.0", digest="0" * 64)

    code, said = checkout.start()

    assert code == 1
    assert "Installing the packages failed" in said
    assert "sample" in said
    assert checkout.start()[0] == 1  # and it is not taken for installed the next time


def test_a_place_that_cannot_be_written_is_said_in_words(checkout: Checkout) -> None:
    checkout.environment.write_text("a file is in the way")

    code, said = checkout.start()

    assert code == 1
    assert f"{checkout.environment} cannot be written" in said
    assert "LAIZUO_VENV" in said
    assert "Traceback" not in said


def test_an_image_is_built_from_the_files_its_first_layer_has(checkout: Checkout) -> None:
    """`python3 -m server install` with only what Containerfile has copied by then."""
    line = next(
        line for line in (ROOT / "Containerfile").read_text().splitlines() if line.startswith("COPY server/__init__")
    )
    shutil.rmtree(checkout.root / "server")
    (checkout.root / "server").mkdir()
    for source in line.split()[1:-1]:
        shutil.copy(ROOT / source, checkout.root / source)

    python = getattr(sys, "_base_executable", sys.executable)
    answer = subprocess.run(
        [python, "-m", "server", "install"],
        cwd=checkout.root,
        env=checkout.environ(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, answer.stdout) == (0, "")
    assert checkout.installed() == "1.0"
