"""What the tests need and a machine lacks: known by the selected tests, installed in one call, and told where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import testing
from server.testing import QUICK, THE_REST, debian, named_test, tools
from server.testing.tools import TOOLS, Tool

ROOT = Path(__file__).parents[3]
NOWHERE = {
    "broker": Tool(("laizuo-no-broker",), ("nats-server",), ("tests/integration",), "nats-server"),
    "relay": Tool(("laizuo-no-relay", "laizuo-no-other"), ("coturn", "its-words"), ("tests/browser",)),
    "shell": Tool(("sh",), ("dash",), ("tests/browser",)),
}
# Notes how it was called; knows no package until the lists were brought.
APT_GET = """#!/bin/sh
echo "apt-get $RUNLEVEL $*" >> "{folder}/calls"
if [ "$1" = update ]; then touch "{folder}/lists"; fi
test -e "{folder}/lists"
"""
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "{folder}/calls"
"""


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has one of three tools."""
    monkeypatch.setattr(tools, "TOOLS", NOWHERE)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands here is what was called of apt-get and systemctl."""
    for name, script in (("apt-get", APT_GET), ("systemctl", SYSTEMCTL)):
        (tmp_path / name).write_text(script.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(debian, "SYSTEMD_RUNS", tmp_path)
    return tmp_path / "calls"


def test_the_table_names_folders_of_tests() -> None:
    assert [folder for tool in TOOLS.values() for folder in tool.tests if not (ROOT / folder).is_dir()] == []


def test_only_what_the_selected_tests_need_is_asked_for(missing: None) -> None:
    def asked(*paths: str) -> list[str]:
        return tools.lacking([ROOT / path for path in paths], ROOT)

    assert asked("tests/unit", "tests/test_docs.py") == []
    assert asked("tests/integration/test_feeds_http.py") == ["broker"]
    assert asked("tests/unit", "tests/browser") == ["relay"]
    assert asked("tests") == ["broker", "relay"]


def test_the_whole_run_asks_for_every_tool() -> None:
    assert {folder for tool in TOOLS.values() for folder in tool.tests} - {"tests/unit"} == set(THE_REST)


@pytest.fixture
def firefox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What $FIREFOX names."""
    monkeypatch.setenv("FIREFOX", str(tmp_path / "firefox"))
    return tmp_path / "firefox"


def test_a_wish_is_not_overruled(firefox: Path) -> None:
    assert tools.find("firefox") is None


@pytest.mark.parametrize(("version", "will_do"), [("140.12.0esr", False), ("153.7.0esr", True), ("", False)])
def test_a_version_that_is_too_old_is_as_good_as_none(firefox: Path, version: str, will_do: bool) -> None:
    firefox.write_text(f"#!/bin/sh\necho Mozilla Firefox {version}\n")
    firefox.chmod(0o755)

    assert tools.find("firefox") == (firefox if will_do else None)
    assert tools.needed(["firefox"]).startswith("firefox from 153 on not found; as root: ")


def test_all_is_installed_in_one_call_and_no_daemon_stays(calls: Path) -> None:
    assert debian.install(["nats-server", "coturn"], ["nats-server"])

    patient = "-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"
    assert calls.read_text().splitlines() == [
        f"apt-get 1 update -q {patient}",
        f"apt-get 1 install -y -q --no-install-recommends nats-server coturn {patient}",
        "systemctl disable --now nats-server",
    ]


def test_who_cannot_install_is_told_the_line(
    missing: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "can_install", lambda: False)

    tools.bring(["broker", "relay"])

    line = "broker, relay not found; as root: apt-get install -y --no-install-recommends nats-server coturn its-words"
    assert capsys.readouterr().err == f"The tests that need them will fail: {line}\n"


def test_what_could_not_be_installed_is_told_too(
    missing: None, calls: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "can_install", lambda: True)

    tools.bring(["broker"])

    assert "systemctl disable --now nats-server" in calls.read_text()
    assert "broker not found; as root: apt-get install" in capfd.readouterr().err


def test_one_that_is_not_to_be_had_keeps_none_of_the_others_away(
    missing: None, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "can_install", lambda: True)

    tools.bring(["broker", "relay"])

    asked = [
        line.split("recommends ")[1].split(" -o")[0] for line in calls.read_text().splitlines() if " install " in line
    ]
    assert asked == ["nats-server coturn its-words", "nats-server", "coturn its-words"]


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("tests/unit", "tests/unit"),
        ("tests/test_docs.py::test_x", "tests/test_docs.py"),
        ("-k", None),
        ("unit", None),
        (".", None),
        ("tests/nowhere.py", None),
    ],
)
def test_the_tests_that_a_command_line_names(word: str, path: str | None) -> None:
    assert named_test(word) == (ROOT / path if path else None)


class Began(Exception):
    """In pytest's place; the text is what it was told."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--quick", "--", "-k", "ticket"], ["-k", "ticket", *QUICK]),
        (["tests/unit/server"], ["tests/unit/server"]),
    ],
)
def test_a_run_that_needs_no_browser_looks_for_none(
    words: list[str], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(_program: str, command: list[str]) -> None:
        raise Began(command[3:])

    monkeypatch.setattr(testing.os, "execv", begin)
    monkeypatch.setattr(tools, "TOOLS", {})
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")  # would be refused

    with pytest.raises(Began) as began:
        testing.main(words)

    assert began.value.args == (told,)
