"""Fills an empty database with the fictional city, in one transaction: half a city is never seen."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.access.core import Actor
from server.access.passwords import hash_password
from server.access.tokens import new_token, token_hash
from server.demo.city import PEOPLE, SITES
from server.demo.happenings import seed_happenings
from server.demo.rosters import publish_demo_rosters
from server.endpoints import store as endpoints
from server.people import store as people
from server.sites.service import add_site

if TYPE_CHECKING:
    from datetime import datetime

    from server.db import Connection

SEEDER = Actor("system", "demo")
_LOCK = 0x64656D6F  # "demo": two web processes starting at once seed one city


@dataclass(frozen=True, slots=True)
class City:
    """What the demo remembers of its city: ids by slug and user name, and the secrets that a start page may hand out on loopback."""

    password: str
    sites: dict[str, str]
    people: dict[str, str]
    kiosks: dict[str, str]  # site slug -> endpoint id
    tokens: dict[str, str]  # endpoint id -> device credential


async def load_city(conn: Connection) -> City | None:
    """The city of an earlier start, or None."""
    stored: str | None = await conn.fetchval("select value from setting where key = 'demo'")
    return City(**json.loads(stored)) if stored else None


async def seed(conn: Connection, now: datetime, base_url: str = "") -> City | None:
    """Seed an empty database. None if somebody lives here already. `base_url` stands in the calendar feeds."""
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    stored = await hash_password(password)
    async with conn.transaction():
        await conn.execute("select pg_advisory_xact_lock($1)", _LOCK)
        if await people.count_people(conn):
            return None
        sites = await _seed_sites(conn, now)
        persons = await _seed_people(conn, sites, stored)
        kiosks, tokens = await _seed_kiosks(conn, sites, now)
        await publish_demo_rosters(conn, sites, persons, base_url.rstrip("/"), now)
        await seed_happenings(conn, sites, persons, base_url.rstrip("/"), now)
        city = City(password, sites, persons, kiosks, tokens)
        facts = {field: getattr(city, field) for field in City.__slots__}
        await conn.execute("insert into setting (key, value) values ('demo', $1)", json.dumps(facts))
    return city


async def _seed_sites(conn: Connection, now: datetime) -> dict[str, str]:
    sites: dict[str, str] = {}
    for site in SITES:
        parent = sites[site.parent] if site.parent else None
        sites[site.new.slug] = await add_site(conn, SEEDER, parent, site.new, site.services, now)
    return sites


async def _seed_people(conn: Connection, sites: dict[str, str], password_hash: str) -> dict[str, str]:
    persons: dict[str, str] = {}
    for person in PEOPLE:
        persons[person.user] = await people.insert_person(
            conn, person.user, person.name_zh, person.name_en, password_hash
        )
        await people.insert_grant(conn, persons[person.user], person.role, sites[person.site])
    return persons


async def _seed_kiosks(conn: Connection, sites: dict[str, str], now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    kiosks: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for site in SITES:
        if site.kiosk is None:
            continue
        code = new_token()
        endpoint_id = await endpoints.insert(
            conn, sites[site.new.slug], "kiosk", site.kiosk, token_hash(code), now.replace(year=now.year + 1, day=1)
        )
        tokens[endpoint_id] = new_token()
        await endpoints.enrol(conn, token_hash(code), token_hash(tokens[endpoint_id]), now)
        kiosks[site.new.slug] = endpoint_id
    return kiosks, tokens
