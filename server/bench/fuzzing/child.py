"""atheris around one target: `python -m server.bench.fuzzing.child TARGET [libFuzzer options and corpus folders]`.

A process of its own, because libFuzzer never returns: it ends the process when its time is over or something broke.
"""

from __future__ import annotations

import importlib
import sys

INSTRUMENTED = ["media", "server.signaling", "aioice.stun"]


def main(argv: list[str]) -> None:
    """argv  as of the command line, program name first."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED):
        targets = importlib.import_module("server.bench.fuzzing.targets")
    target = targets.TARGETS[argv[1]]
    atheris.Setup([argv[0], f"-max_len={target.longest}", *argv[2:]], target.look)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
