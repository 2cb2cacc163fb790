"""What one can say to `python3 -m server`."""

from __future__ import annotations

import pytest

from server.command_line import COMMANDS, split


@pytest.mark.parametrize(
    ("arguments", "name", "rest"),
    [
        ([], "serve", []),
        (["--port", "9"], "serve", ["--port", "9"]),
        (["serve", "--port", "9"], "serve", ["--port", "9"]),
        (["test", "--quick"], "test", ["--quick"]),
        (["verify", "pack.zip"], "verify", ["pack.zip"]),
        (["bench", "media", "--json"], "bench", ["media", "--json"]),
    ],
)
def test_the_command_is_found(arguments: list[str], name: str, rest: list[str]) -> None:
    command = split(arguments)

    assert (command.name, command.rest, command.shows_help) == (name, rest, False)
    assert command.module == COMMANDS[name][0]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["serve", "--help"], ["--port", "9", "--help"]])
def test_help_needs_no_environment(arguments: list[str]) -> None:
    assert split(arguments).shows_help


def test_other_commands_explain_themselves() -> None:
    assert not split(["admin", "--help"]).shows_help


def test_a_mistyped_command_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        split(["verfy", "pack.zip"])

    assert "no command 'verfy'; there are: serve, test, bench, verify, admin, install" in capsys.readouterr().err
