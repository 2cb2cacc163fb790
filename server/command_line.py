"""The command line: its commands, its flags, the environment variables, and the help that names them all.

Standard library only (it is read before the environment exists).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Command:
    """One parsed command: which module runs it, with which packages, on which remaining arguments."""

    name: str
    module: str | None
    group: str
    rest: list[str] = field(default_factory=list)
    shows_help: bool = False


# name: (module with main(argv) -> int, package group, one line of help)
COMMANDS: dict[str, tuple[str | None, str, str]] = {
    "serve": ("server.supervise.parent", "run", "start everything and stay (the default)"),
    "test": (
        "server.testing",
        "dev",
        "check everything: format, lint, types, tests, browsers (--quick: under a minute)",
    ),
    "bench": ("server.bench", "dev", "measure: bench NAME [--json]"),
    "verify": ("server.verify", "run", "check an exported record: verify PACK"),
    "admin": ("server.admin", "run", "administrators, sites, endpoints, from the shell"),
    "install": (None, "run", "only make the environment, start nothing (for images)"),
}

# Every environment variable that is read, with its meaning. server/config.py reads exactly these; a test compares.
VARIABLES: dict[str, str] = {
    "LAIZUO_HOST": "same as --host",
    "LAIZUO_PORT": "same as --port",
    "LAIZUO_DATA": "same as --data",
    "LAIZUO_WORKERS": "same as --workers",
    "LAIZUO_CONFIG": "same as --config",
    "DATABASE_URL": "use this PostgreSQL (15 to 18) instead of starting one",
    "LAIZUO_PUBLIC_URL": "the address people use, when it differs from host and port (behind a proxy)",
    "LAIZUO_TLS": "self-signed: make and keep a certificate for a trial in the local network",
    "LAIZUO_TLS_CERTIFICATE": "PEM file with the certificate chain; TLS is on when set",
    "LAIZUO_TLS_KEY": "PEM file with the certificate's private key",
    "LAIZUO_TRUSTED_PROXIES": "addresses or networks, comma-separated, whose X-Forwarded-For and -Proto are believed",
    "LAIZUO_MEDIA_HOST": "address on which media workers receive UDP (default: the same as host; `::` takes IPv4 and IPv6)",
    "LAIZUO_MEDIA_ANNOUNCE": "addresses told to browsers, comma-separated, when they differ (behind NAT)",
    "LAIZUO_MEDIA_PORT": "UDP port of the first media worker, the next ones count up (default 40000)",
    "LAIZUO_MEDIA_TCP": "TCP ports for lines that block UDP, one per media worker: 443,8443; off (default: the numbers of UDP)",
    "LAIZUO_MEDIA_PATH": "how media workers forward packets: auto (C where it can be had), native (C or not at all), python",
    "LAIZUO_TURN_URLS": "relay for networks that block our ports: turns:relay.example:443?transport=tcp,... (coturn, use-auth-secret)",
    "LAIZUO_TURN_SECRET_FILE": "file with the secret shared with that relay",
    "LAIZUO_MEDIA_LINKS": "workers run elsewhere: w0=unix:/path/w0.sock,w1=unix:/path/w1.sock (with LAIZUO_WORKERS=0)",
    "LAIZUO_BUS": "same as --bus, where nobody else can read the password in it",
    "LAIZUO_DEMO": "on or off: seed a fictional city into an empty database (default: only on loopback without a config)",
    "LAIZUO_MASTER_KEY_FILE": "file with the key that wraps all others (default: keys/master.key in the data directory, made on first start)",
    "LAIZUO_MASTER_KEYS": "those keys themselves instead of a file: `name base64`, several with commas between them, the last one current",
    "LAIZUO_PASSWORD": "password for `admin`, where nobody can type one",
    "LAIZUO_LOG_LEVEL": "debug, info, warning or error (default info)",
    "LAIZUO_VENV": "where the environment with the packages stands (default: .venv beside the sources)",
    "LAIZUO_PGBIN": "directory with PostgreSQL's programs (default: the pinned ones, else Debian's)",
    "CHROMIUM": "browser for the tests",
    "FIREFOX": "second browser for the tests",
}


def split(arguments: list[str]) -> Command:
    """Find the command and what belongs to it; no command means `serve`."""
    first = arguments[0] if arguments else "serve"
    if first in ("-h", "--help", "help"):
        return Command("help", None, "run", shows_help=True)
    name, rest = (first, arguments[1:]) if first in COMMANDS else ("serve", arguments)
    if name == "serve" and rest and not rest[0].startswith("-"):
        serve_parser().error(f"no command {rest[0]!r}; there are: {', '.join(COMMANDS)}")
    module, group, _ = COMMANDS[name]
    wants_help = name in ("serve", "install") and bool({"-h", "--help"} & set(rest))
    return Command(name, module, group, rest, shows_help=wants_help)


def serve_parser() -> argparse.ArgumentParser:
    """The flags of `serve`. A flag left out is None: config and environment may still say it."""
    parser = argparse.ArgumentParser(
        prog="python3 -m server",
        usage="python3 -m server [serve] [--host H] [--port P] [--data DIR] [--workers N] [--bus URL] [--config FILE]",
        add_help=False,
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="TCP port (default 8080; 0 takes a free one)")
    parser.add_argument(
        "--data", metavar="DIR", help="data directory (default: /var/lib/laizuo for root, else ~/.local/state/laizuo)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="media workers, one core each (default: one less than the cores, at most 2)",
    )
    parser.add_argument(
        "--bus",
        metavar="URL",
        help="nats://host of a broker, for several web processes and workers on several machines",
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with any of these settings and more")
    return parser


def help_text() -> str:
    """Everything that can be said to the command, on one page."""
    commands = "\n".join(f"  {name:<10} {text}" for name, (_, _, text) in COMMANDS.items())
    variables = "\n".join(f"  {name:<24} {text}" for name, text in VARIABLES.items())
    return (
        "Laizuo: remote video service and duty rosters for public legal services.\n\n"
        f"{serve_parser().format_help()}\n"
        f"commands (each knows --help):\n{commands}\n\n"
        f"environment:\n{variables}\n\n"
        "What a flag says beats the environment, which beats the config file. `python3 -m server` alone starts a demo on this machine."
    )
