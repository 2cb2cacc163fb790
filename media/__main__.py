"""One media worker: `python -m media --name w0 --control unix:PATH --udp HOST:PORT --announce HOST --data DIR`.

With `--bus nats://HOST` it is commanded over a broker, from whichever machine; LAIZUO_BUS says the same where others could read a password.

Prints one line, `ready`, when it listens. SIGTERM and SIGINT close all journals and end it with status 0; SIGUSR1 does so once its last room is
over, and until then it takes no new one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path

from media.control.bus import BusMissing
from media.engine import Engine
from media.forward.choose import CHOICES, DEFAULT
from media.forward.native_memory import NativeUnusable
from media.scheduling import ask_for_short_slices
from media.timing import Timing
from media.worker import run_worker

log = logging.getLogger(__name__)

WILDCARDS = ("0.0.0.0", "::")


def main() -> None:
    options = _parse()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with _runner() as runner:
        runner.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # What exists now lives as long as the process: the collector need not walk it while people talk.
    gc.collect()
    gc.freeze()
    ask_for_short_slices()
    host, port = options.udp
    if not options.announce and host in WILDCARDS:
        sys.exit("media: --udp binds every address, so --announce must say which one browsers are told")
    timing = Timing(**{field.name: getattr(options, field.name) for field in fields(Timing)})
    try:
        announce = options.announce or [host]
        engine = Engine(host, port, announce, timing, options.path, options.compiled or options.data / "compiled")
        if options.tcp is not None:
            await _listen_tcp(engine, *options.tcp)
        await run_worker(options.name, engine, options.control, options.data, stop, options.bus)
    except OSError as error:
        sys.exit(f"media: cannot listen: {error}")
    except NativeUnusable as reason:
        sys.exit(f"media: --path native: {reason}")
    except BusMissing as reason:
        sys.exit(f"media: --bus: {reason}")


async def _listen_tcp(engine: Engine, host: str, port: int) -> None:
    """Without it lines that block UDP are lost, and all others are not: no reason not to start."""
    try:
        await engine.listen_tcp(host, port)
    except OSError as error:
        log.warning("nobody is reached over TCP: %s", error)


def _runner() -> asyncio.Runner:
    """uvloop where it is installed: a third off the price of a packet (media issue, levers)."""
    try:
        import uvloop  # noqa: PLC0415  (not on every platform)
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m media", description="One media worker of Laizuo.")
    parser.add_argument("--name", required=True, help="how controllers call it")
    parser.add_argument("--control", type=_control_path, help="unix:PATH of the control socket")
    parser.add_argument(
        "--bus",
        default=os.environ.get("LAIZUO_BUS", ""),
        help="nats://HOST:PORT of a broker to be commanded over (default: LAIZUO_BUS; needs one of --control, --bus)",
    )
    parser.add_argument("--udp", required=True, type=_host_port, help="HOST:PORT to bind; port 0 takes any free one")
    parser.add_argument(
        "--tcp",
        type=_host_port,
        help="HOST:PORT to be reached at over TCP, by lines that block UDP; without it: not at all",
    )
    parser.add_argument(
        "--announce",
        action="append",
        default=[],
        help="address that browsers are told (repeat for several; an empty one is none); HOST if absent",
    )
    parser.add_argument("--data", required=True, type=Path, help="directory that all journals lie in")
    parser.add_argument(
        "--path",
        default=DEFAULT,
        choices=CHOICES,
        help=f"how packets are forwarded: in C or in Python (default {DEFAULT})",
    )
    parser.add_argument("--compiled", type=Path, help="where the compiled C path is kept (default DATA/compiled)")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    for field in fields(Timing):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=float, default=field.default, help=f"seconds (default {field.default})")
    options = parser.parse_args()
    options.announce = [address for address in options.announce if address]
    if options.control is None and not options.bus:
        parser.error("--control or --bus is needed: nobody could command it")
    return options


def _control_path(text: str) -> Path:
    scheme, colon, path = text.partition(":")
    if scheme != "unix" or not colon or not path:
        raise argparse.ArgumentTypeError("must be unix:PATH")
    return Path(path)


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError("must be HOST:PORT")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    main()
