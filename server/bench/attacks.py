"""`bench attacks`: two people talk in a recorded room while somebody attacks their worker. What they notice, and what comes back to the attacker.

Each attack (attacking/) is compared with the same seconds in peace, measured just before. Threats 2 to 6 and 23 of the threat model;
ASVS V17.2.3 to V17.2.8. The last two are no attacks but the opposite: somebody leaves, or is silent for ever, and nothing may be sent to him.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from server.bench import BenchError, say
from server.bench.attacking.child import BEGINS
from server.bench.attacking.child import KINDS as ATTACKS
from server.bench.attacking.stage import Stage
from server.bench.core import Figure, Result
from server.bench.machine import machine_facts, package_versions, process_cpu_s
from server.bench.options import at_least, names_of, seconds
from server.bench.servers import ROOT, free_port, media_worker, own_address

BEGIN_WITHIN_S: Final = 30.0
LEAVE_WITHIN_S: Final = 10.0
SILENCE_WITHIN_S: Final = 40.0
LEAVING: Final = ("leave", "silence")
KINDS: Final = (*ATTACKS, *LEAVING)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=seconds, default=4.0, help="per attack, and as long in peace before it")
    parser.add_argument("--only", type=names_of(KINDS), default=list(KINDS), help=f"by comma, of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the attackers' chance")
    parser.add_argument(
        "--newcomers", type=at_least(1), default=100, help="people who join while ClientHellos are forged"
    )


def run(options: argparse.Namespace) -> Result:
    machine = machine_facts()
    figures: dict[str, Figure] = {}
    tcp = free_port()
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder:
        extra = ("--tcp", f"{own_address()}:{tcp}")
        with (
            media_worker("w", Path(folder) / "w", extra) as server,
            closing(Stage(server, Path(folder) / "w" / "journals")) as stage,
        ):
            for kind in options.only:
                figures |= _leaving(stage, kind) if kind in LEAVING else _attack(stage, kind, tcp, server.pid, options)
            figures["faults"] = Figure(stage.dropped().get("fault", 0), "count")
            figures["recorder_lost"] = Figure(stage.not_recorded(), "count")
    return Result("attacks", machine, package_versions("laizuo", "aiortc"), figures)


def _attack(stage: Stage, kind: str, tcp: int, worker: int, options: argparse.Namespace) -> dict[str, Figure]:
    calm = stage.talk(options.seconds)
    newcomers = options.newcomers if kind == "hello" else 0
    lasts_s = options.seconds + 1 + newcomers * 0.1
    arguments = [kind, *stage.place, str(tcp), str(lasts_s), str(options.seed)]
    with subprocess.Popen(
        [sys.executable, "-m", "server.bench.attacking.child", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as attacker:
        try:
            _until_begun(stage, attacker)
            busy, began = process_cpu_s(worker), time.monotonic()
            under = stage.talk(options.seconds)
            share = (process_cpu_s(worker) - busy) / (time.monotonic() - began)
            joined = sum(stage.newcomer(number) for number in range(newcomers))
            fired = _told(stage, attacker, lasts_s)
        finally:
            attacker.kill()
    say(
        f"{kind}: {fired['sent']} sent; p99 {calm.p99_ms:.2f} -> {under.p99_ms:.2f} ms, lost {under.loss:.4f}, {share:.0%}"
    )
    found = {
        "sent": Figure(fired["sent"], "count"),
        "loss": Figure(round(under.loss, 5), "share"),
        "p50_ms": Figure(round(under.p50_ms, 3), "ms"),
        "p99_ms": Figure(round(under.p99_ms, 3), "ms"),
        "calm_loss": Figure(round(calm.loss, 5), "share"),
        "calm_p50_ms": Figure(round(calm.p50_ms, 3), "ms"),
        "calm_p99_ms": Figure(round(calm.p99_ms, 3), "ms"),
        "reply_share": Figure(round(fired["got_bytes"] / max(1, fired["sent_bytes"]), 4), "share"),
        "cpu_share": Figure(round(share, 3), "share"),
        "asked_per_s": Figure(round(under.asked_per_s, 2), "1/s"),
    }
    if newcomers:
        found |= {"newcomers": Figure(newcomers, "count"), "newcomers_in": Figure(joined, "count")}
    found |= {name: Figure(count, "count") for name, count in fired["counts"].items()}
    return {f"{kind}_{name}": figure for name, figure in found.items()}


def _until_begun(stage: Stage, attacker: subprocess.Popen[str]) -> None:
    """The two talk on until the attacker is at work; one more moment, for his way in."""
    assert attacker.stdout is not None
    end = time.monotonic() + BEGIN_WITHIN_S
    while not select.select([attacker.stdout], [], [], 0)[0]:
        if time.monotonic() > end:
            raise BenchError("the attacker does not begin")
        stage.talk(0.1)
    if attacker.stdout.readline().strip() != BEGINS:
        raise BenchError("the attacker could not begin")
    stage.talk(0.5)


def _told(stage: Stage, attacker: subprocess.Popen[str], lasts_s: float) -> dict[str, Any]:
    assert attacker.stdout is not None
    end = time.monotonic() + lasts_s + BEGIN_WITHIN_S
    while not select.select([attacker.stdout], [], [], 0)[0]:
        if time.monotonic() > end:
            raise BenchError("the attacker does not end")
        stage.talk(0.1)
    told: dict[str, Any] = json.loads(attacker.stdout.readline() or "{}")
    if "sent" not in told:
        raise BenchError("the attack broke")
    return told


def _leaving(stage: Stage, kind: str) -> dict[str, Figure]:
    """How long something is sent to somebody who has left, or from whom nothing comes any more (RFC 7675)."""
    measure: Callable[[float], float] = stage.sent_after_leaving if kind == "leave" else stage.sent_to_the_silent
    stopped_s = measure(LEAVE_WITHIN_S if kind == "leave" else SILENCE_WITHIN_S)
    say(f"{kind}: the last datagram after {stopped_s:.2f} s")
    return {f"{kind}_stop_s": Figure(round(stopped_s, 2), "s")}
