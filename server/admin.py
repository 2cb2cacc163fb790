"""`python3 -m server admin ...`: what has to be done before anybody can sign in, and what an operator does from a shell.

admin first-administrator --user he.min --name-zh 何敏 --name-en "He Min"       (asks for the password)
admin add-site --slug rongchuan --kind city --name-zh ... --name-en ... [--parent SLUG] [--serves notarization,mediation]
admin add-endpoint --site liuyin --name-zh ... --name-en ... [--kind kiosk]      (prints the one-time enrolment code)
admin list
admin verify-access [--anchors FOLDER] [--trust CERTIFICATE]     (are the journals of who saw what still what was stamped?)
admin rewrap-keys                                    (after a new master key was added: every recording's key goes under it)
admin replace-worker w0                              (once its last room is over; people who talk notice nothing)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import getpass
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from server import command_line, config
from server.access.core import Actor, Role
from server.config import ConfigError
from server.db.binaries import PostgresUnavailable
from server.db.embedded import EmbeddedPostgres, RunningPostgres
from server.db.migrate import migrate
from server.endpoints.service import add_endpoint
from server.endpoints.store import endpoints_below
from server.errors import UserError
from server.evidence.accesses import render, verify_accesses
from server.evidence.service import anchor_folders
from server.people.service import add_person
from server.recordings.rotation import master_keys, rewrap
from server.sites.service import add_site
from server.sites.store import NewSite, Site, load_tree
from server.supervise.home import Home, HomeTaken, child_of
from server.waiting.core import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from server.config import Settings
    from server.db import Connection

OPERATOR = Actor("system", "operator")


class NoSuchSite(Exception):
    """No site has this slug; the argument is the slug."""


def main(argv: list[str]) -> int:
    """Run one admin command. 0 done, 1 refused (said in words on stderr), 2 wrong arguments."""
    arguments = parser().parse_args(argv)
    try:
        settings = config.load(
            command_line.serve_parser().parse_args(["--data", arguments.data] if arguments.data else [])
        )
        if arguments.command == "replace-worker":
            return replace_worker(settings, arguments.worker)
        with reachable_database(settings) as database_url:
            if arguments.command == "rewrap-keys":
                return asyncio.run(_rewrap_keys(settings, database_url))
            if arguments.command == "verify-access":
                return asyncio.run(_verify_access(arguments, settings, database_url))
            return asyncio.run(_run(arguments, database_url))
    except (ConfigError, PostgresUnavailable) as error:
        print(f"refused: {error}", file=sys.stderr)
    except UserError as error:
        print(
            f"refused: {error.code}" + (f" ({error.field or error.detail})" if error.field or error.detail else ""),
            file=sys.stderr,
        )
    except NoSuchSite as error:
        print(f"refused: there is no site '{error}'; `admin list` shows all", file=sys.stderr)
    return 1


@contextlib.contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """URL of the product's database: the configured one, that of the product running on the data directory, or one started just for this."""
    if settings.database_url:
        yield settings.database_url
        return
    home = settings.data / "postgres"
    try:
        lock = Home(settings.data)
    except HomeTaken:
        yield EmbeddedPostgres(home).url()
        return
    try:
        with RunningPostgres(home) as postgres:
            yield postgres.url()
    finally:
        lock.close()


def parser() -> argparse.ArgumentParser:
    """The command line of `admin`."""
    top = argparse.ArgumentParser(
        prog="python3 -m server admin", description="Administration from a shell on the server's machine."
    )
    top.add_argument(
        "--data", metavar="DIR", help="data directory, as for the server; other settings come from the environment"
    )
    commands = top.add_subparsers(dest="command", required=True)
    first = commands.add_parser(
        "first-administrator",
        help="make a site's administrator; the password is asked for, or read from LAIZUO_PASSWORD",
    )
    first.add_argument("--user", required=True)
    first.add_argument("--site", help="slug of the topmost site they administer (default: the only root)")
    site = commands.add_parser("add-site", help="add a site to the tree")
    site.add_argument("--slug", required=True)
    site.add_argument("--kind", required=True)
    site.add_argument("--parent")
    site.add_argument("--serves", default="", help=f"comma-separated: {','.join(SERVICES)}")
    endpoint = commands.add_parser(
        "add-endpoint", help="register a kiosk or another device; prints its one-time enrolment code"
    )
    endpoint.add_argument("--site", required=True)
    endpoint.add_argument("--kind", default="kiosk")
    for command in (first, site, endpoint):
        command.add_argument("--name-zh", required=True)
        command.add_argument("--name-en", required=True)
    commands.add_parser("list", help="show sites and endpoints")
    access = commands.add_parser(
        "verify-access",
        help="check who saw which recording, entry by entry, against the time stamps; 1: something is wrong",
    )
    access.add_argument("--session", help="of this session only")
    access.add_argument("--anchors", type=Path, action="append", default=[], metavar="FOLDER",
                        help="stamps that others kept, besides those in the data directory and in evidence.anchors_copy")  # fmt: skip
    access.add_argument("--trust", type=Path, action="append", default=[], metavar="CERTIFICATE",
                        help="believe only time stamps of this authority (PEM); may be given again")  # fmt: skip
    commands.add_parser("rewrap-keys", help="wrap every recording's key under the current master key")
    worker = commands.add_parser(
        "replace-worker",
        help="a media worker of this machine takes no new rooms, and a new one follows it after its last",
    )
    worker.add_argument("worker", help="w0, w1 ...")
    return top


def replace_worker(settings: Settings, name: str) -> int:
    """Let a worker end with its last room (media/CONTROL.md, drain). 0 told, 1 there is none of that name."""
    pid = child_of(settings.data, name) if re.fullmatch(r"w\d+", name) else None
    if pid is None:
        print(f"refused: no media worker {name} runs on {settings.data}", file=sys.stderr)
        return 1
    os.kill(pid, signal.SIGUSR1)
    print(f"{name} (process {pid}) takes no new rooms; it ends with its last one, and a new {name} is started")
    return 0


async def _verify_access(arguments: argparse.Namespace, settings: Settings, database_url: str) -> int:
    """Reads only. 0 whole, 1 something is wrong."""
    conn = await asyncpg.connect(database_url)
    try:
        folders = (*anchor_folders(settings), *arguments.anchors)
        checked = await verify_accesses(conn, folders, arguments.trust, arguments.session)
    except (OSError, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    finally:
        await conn.close()
    sys.stdout.write(render(checked))
    return 1 if checked.damages else 0


async def _rewrap_keys(settings: Settings, database_url: str) -> int:
    """0 all are under the current master key, 1 some do not open."""
    keys = master_keys(settings.key_file, os.environ)
    conn = await asyncpg.connect(database_url)
    try:
        async with conn.transaction():
            found = await rewrap(conn, keys, OPERATOR, dt.datetime.now(dt.UTC))
    finally:
        await conn.close()
    print(
        f"{found.done} keys wrapped under {keys.current}, {found.current} were before, {len(found.closed)} do not open"
    )
    for session in found.closed:
        print(f"  session {session}: its key is under a master key that is not here", file=sys.stderr)
    return 1 if found.closed else 0


async def _run(arguments: argparse.Namespace, database_url: str) -> int:
    await migrate(database_url)
    conn = await asyncpg.connect(database_url)
    try:
        await _COMMANDS[arguments.command](conn, arguments, dt.datetime.now(dt.UTC))
    finally:
        await conn.close()
    return 0


async def _first_administrator(conn: Connection, arguments: argparse.Namespace, now: dt.datetime) -> None:
    site = await _site(conn, arguments.site)
    password = os.environ.get("LAIZUO_PASSWORD") or getpass.getpass("password (at least 10 characters): ")
    names = (arguments.name_zh, arguments.name_en)
    await add_person(conn, OPERATOR, arguments.user, names, password, [(Role.ADMINISTRATOR, site.id)], now)
    print(f"{arguments.user} administers {site.name_en}; sign in at /sign-in")


async def _add_site(conn: Connection, arguments: argparse.Namespace, now: dt.datetime) -> None:
    parent = (await _site(conn, arguments.parent)).id if arguments.parent else None
    services = [service for service in arguments.serves.split(",") if service]
    new = NewSite(arguments.slug, arguments.kind, arguments.name_zh, arguments.name_en)
    await add_site(conn, OPERATOR, parent, new, services, now)
    print(f"site {arguments.slug} added")


async def _add_endpoint(conn: Connection, arguments: argparse.Namespace, now: dt.datetime) -> None:
    site = await _site(conn, arguments.site)
    names = (arguments.name_zh, arguments.name_en)
    _, code = await add_endpoint(conn, OPERATOR, site.id, arguments.kind, names, now)
    print(f"open /kiosk/enrol on the device and enter {code} within 7 days")


async def _list(conn: Connection, _arguments: argparse.Namespace, _now: dt.datetime) -> None:
    tree = await load_tree(conn)
    for site in tree:
        print(f"{'  ' * site.depth}{site.slug}  {site.kind}  {site.name_zh} / {site.name_en}")
    for root in (site for site in tree if site.parent_id is None):
        for endpoint in await endpoints_below(conn, root.id):
            state = "revoked" if endpoint.revoked_at else "enrolled" if endpoint.enrolled_at else "waits for its code"
            print(f"{endpoint.kind} at {endpoint.site_slug}: {endpoint.name_zh} / {endpoint.name_en}, {state}")


async def _site(conn: Connection, slug: str | None) -> Site:
    """The site of a slug; without one the root, if there is just one. Raises NoSuchSite."""
    tree = await load_tree(conn)
    found = [site for site in tree if (site.slug == slug if slug else site.parent_id is None)]
    if len(found) != 1:
        raise NoSuchSite(slug or "(say --site)")
    return found[0]


_COMMANDS: dict[str, Callable[[Connection, argparse.Namespace, dt.datetime], Awaitable[None]]] = {
    "first-administrator": _first_administrator,
    "add-site": _add_site,
    "add-endpoint": _add_endpoint,
    "list": _list,
}
