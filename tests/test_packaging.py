"""The names `server`, `media`, `schedules` are this tree's, everywhere; lock files say what to install and never from where."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from server.install_progress import count_pins

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("server", "media", "schedules")
LOCKS = ("requirements.run.lock", "requirements.dev.lock")
NATS_LOCK = "requirements.nats.lock"
OUR_NAME = "laizuo"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_resolves_to_this_tree(package: str) -> None:
    spec = importlib.util.find_spec(package)

    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_no_installed_package_ships_our_names() -> None:
    owners = importlib.metadata.packages_distributions()

    assert {name: owners[name] for name in PACKAGES if owners.get(name, [OUR_NAME]) != [OUR_NAME]} == {}


def test_the_wheel_holds_the_packages_and_the_pages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert wheel["packages"] == list(PACKAGES)
    assert wheel["force-include"] == {"web": "server/_web"}
    assert project["project"]["scripts"] == {OUR_NAME: "server.__main__:main"}


@pytest.mark.parametrize("lock", [*LOCKS, NATS_LOCK])
def test_a_lock_pins_by_hash_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert "://" not in text
    assert "index" not in re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    assert requirements_without_hash(text) == []


def test_a_requirement_without_hash_is_found() -> None:
    assert requirements_without_hash("a==1 \\\n    --hash=sha256:00\nb==2\n    # via a\n") == ["b==2"]


def test_what_is_tested_is_what_is_shipped() -> None:
    """Every pin of the product is in the test environment too: nothing is tested with another version than it runs with."""
    run, dev, nats = (pins((ROOT / lock).read_text(encoding="utf-8")) for lock in (*LOCKS, NATS_LOCK))

    assert run - dev == set()
    assert nats - dev == set()


def test_every_dependency_is_pinned() -> None:
    """A dependency added without a new lock file would be missing on everybody else's machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {"run": project["project"]["dependencies"], "dev": project["dependency-groups"]["dev"]}
    for group, requirements in asked.items():
        pinned = {name for name, _ in pins((ROOT / f"requirements.{group}.lock").read_text(encoding="utf-8"))}
        names = {normal(re.match(r"[A-Za-z0-9._-]+", requirement)[0]) for requirement in requirements}  # type: ignore[index]

        assert names - pinned == set()


def test_installed_packages_are_the_pinned_ones() -> None:
    dev = pins((ROOT / LOCKS[1]).read_text(encoding="utf-8"))
    pinned: dict[str, set[str]] = {}
    for name, version in dev:
        pinned.setdefault(name, set()).add(version)
    installed = {normal(d.name): d.version for d in importlib.metadata.distributions()}

    assert {n: v for n, v in installed.items() if n in pinned and v not in pinned[n]} == {}


def test_playwright_stays_below_the_release_that_loses_firefox() -> None:
    """From 1.65 on it asks Firefox ESR 153 for a command that it does not know, and no page opens."""
    versions = {
        version for name, version in pins((ROOT / LOCKS[1]).read_text(encoding="utf-8")) if name == "playwright"
    }

    assert versions
    assert all(tuple(int(part) for part in version.split(".")[:2]) < (1, 65) for version in versions)


def test_pins_are_counted_once_per_package() -> None:
    text = "av==18 ; python_full_version < '3.12' \\\nav==19 ; python_full_version >= '3.12' \\\ncolorama==1 ; sys_platform == 'win32' \\\nb[x]==2 \\\n"

    assert count_pins(text) == 2


def pins(text: str) -> set[tuple[str, str]]:
    return {
        (normal(name), version)
        for name, version in re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_without_hash(text: str) -> list[str]:
    """Requirements that are not followed by a hash line."""
    lines = text.splitlines()
    return [
        line.split(" ")[0]
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if re.match(r"[A-Za-z0-9]", line) and "--hash=" not in following
    ]
