"""`bench fuzz`: coverage-guided hostile bytes (atheris) against every parser that the network reaches.

    python3 -m server bench fuzz --seconds 600 --only rtcp,sdp

Starts from tests/vectors; what it finds on the way is kept in --corpus, so that the next run goes on where this one ended. A crash
ends its target, is written to --crashes/TARGET (tests/vectors/fuzz in a checkout), and makes the command end with status 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from server.bench import BenchError, NotInstalled, say
from server.bench.core import Figure, Result
from server.bench.fuzzing.seeds import write_seeds
from server.bench.fuzzing.targets import TARGETS
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least, names_of
from server.bench.servers import ROOT

VECTORS = ROOT / "tests" / "vectors"
EXECUTED = re.compile(rb"stat::number_of_executed_units: (\d+)")
COVERED = re.compile(rb"cov: (\d+)")
GRACE_S = 60.0  # to start, to read the corpus, and to write a crash
SLOWEST_S = 5  # an input that takes longer is a crash


@dataclass(frozen=True, slots=True)
class Run:
    """Inputs tried, edges of the code reached, and the crash, if there was one."""

    tried: int
    covered: int
    crash: Path | None
    says: str


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=at_least(1), default=20, help="per target")
    parser.add_argument("--only", type=names_of(TARGETS), default=list(TARGETS), help="targets, by comma")
    parser.add_argument("--seed", type=at_least(1), default=1, help="of the chance behind it")
    parser.add_argument("--corpus", type=Path, help="folder to begin with and to keep new inputs in")
    parser.add_argument("--crashes", type=Path, default=VECTORS / "fuzz", help="folder that crashes are kept in")


def run(options: argparse.Namespace) -> Result:
    if importlib.util.find_spec("atheris") is None:
        raise NotInstalled("atheris is not installed: pip install atheris (Linux on x86-64)")
    machine, figures = machine_facts(), dict[str, Figure]()
    crashes: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="laizuo-fuzz-") as folder:
        for name in options.only:
            found = fuzz(name, options.corpus or Path(folder), options.crashes, options.seconds, options.seed)
            say(f"{name}: {found.tried} inputs, {found.covered} edges{', CRASH' if found.crash else ''}")
            key = name.replace("-", "_")
            figures[f"{key}_inputs"] = Figure(found.tried, "count")
            figures[f"{key}_per_s"] = Figure(round(found.tried / options.seconds), "1/s")
            figures[f"{key}_edges"] = Figure(found.covered, "count")
            if found.crash is not None:
                crashes.append(found.crash)
                say(found.says)
    if crashes:
        raise BenchError("broken by " + ", ".join(map(str, crashes)))
    figures["crashes"] = Figure(len(crashes), "count")
    return Result("fuzz", machine, package_versions("laizuo", "atheris", "aioice"), figures)


def fuzz(name: str, corpus: Path, crashes: Path, seconds: int, seed: int) -> Run:
    """Try one target for so long. Raises BenchError when it did not run at all."""
    kept, broken = corpus / name, crashes / name
    kept.mkdir(parents=True, exist_ok=True)
    broken.mkdir(parents=True, exist_ok=True)
    write_seeds(name, kept)
    seeds = [folder for wanted in TARGETS[name].vectors if (folder := VECTORS / wanted).is_dir()]
    known = set(broken.iterdir())
    command = [sys.executable, "-m", "server.bench.fuzzing.child", name, f"-max_total_time={seconds}", f"-seed={seed}"]
    command += [f"-artifact_prefix={broken}/", f"-timeout={SLOWEST_S}", "-print_final_stats=1", "-rss_limit_mb=2048"]
    try:
        done = subprocess.run(
            [*command, str(kept), *map(str, seeds), str(broken)],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=seconds + GRACE_S,
        )
    except subprocess.TimeoutExpired as late:
        raise BenchError(f"{name}: did not end {GRACE_S:g} s after its time") from late
    new = sorted(set(broken.iterdir()) - known)
    if not any(broken.iterdir()):
        broken.rmdir()
    tried, covered = EXECUTED.findall(done.stderr), COVERED.findall(done.stderr)
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    says = "\n".join(line for line in lines if not line.startswith("INFO: Instrumenting"))[-3000:]
    if (done.returncode and not new) or not tried:
        raise BenchError(f"{name}: did not run:\n{says}")
    return Run(int(tried[-1]), int(covered[-1]) if covered else 0, new[0] if new else None, says)
