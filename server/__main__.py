"""`python3 -m server ...`: the one command of the product.

This file and what it imports at its top use the standard library only: on a fresh machine nothing else is there yet. The first thing
done is to make the environment and to go on inside it (server/environment.py); then the command's own module is imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:  # started as `python3 path/to/server`
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from server import command_line, environment


def main() -> int:
    """Entry point of `python3 -m server` and of the console script."""
    arguments = sys.argv[1:]
    command = command_line.split(arguments)
    if command.shows_help:
        print(command_line.help_text())
        return 0
    try:
        if environment.is_needed():
            environment.ensure(command.group)
            environment.enter(arguments)
    except environment.EnvironmentFailed as failure:
        print(f"laizuo: {failure}", file=sys.stderr)
        return 1
    return _run(command)


def _run(command: command_line.Command) -> int:
    """Run the command's module: every one has `main(argv) -> int`."""
    if command.module is None:
        return 0
    try:
        run: Callable[[list[str]], int] = importlib.import_module(command.module).main
    except ModuleNotFoundError as missing:
        if missing.name is None or not command.module.startswith(missing.name):
            raise
        print(f"laizuo: this build has no `{command.name}` ({command.module} is missing)", file=sys.stderr)
        return 2
    return run(command.rest)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
