"""What follows from a published roster for people and teams, in its transaction: teams' calendars, notices to whose duty moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedules.core import event_feeds, ical
from schedules.core.explain import Language, Words, clock, day_name, service_name, weekday_name
from schedules.core.release import ChangeKind
from schedules.store import inputs, releases
from schedules.store.feeds import FeedOf, save_feed
from server.messages import store as outbox
from server.messages.core import Channel, Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schedules.core.model import PersonId
    from schedules.core.release import Change, Release
    from server.access.require import SiteRef
    from server.db import Connection

_TEAMS = """
select slug, name_zh, name_en from service_team where slug = any($1::text[])
union select subject, coalesce(t.name_zh, subject), coalesce(t.name_en, subject)
from calendar_feed f left join service_team t on t.slug = f.subject where f.kind = 'team'
order by slug"""
_RELEASES = "select site_id::text from duty_roster where version is not null order by site_id"

_SUBJECT = Words("您的值班有变动", "Your duty has changed")
_WHAT = {
    ChangeKind.ADDED: Words("新排", "new"),
    ChangeKind.CANCELLED: Words("取消", "called off"),
    ChangeKind.RESTORED: Words("恢复", "on again"),
    ChangeKind.MOVED: Words("改时间", "moved"),
    ChangeKind.RESEATED: Words("换人", "other people"),
    ChangeKind.RENAMED: Words("改名称", "renamed"),
}
LINES = 40  # a notice names that many shifts; the calendar has them all


async def after_publish(
    conn: Connection, site: SiteRef, release: Release, changes: Iterable[Change], base_url: str, now: datetime
) -> None:
    """Everything beside the calendars of the site and its people."""
    found = tuple(changes)
    await _save_team_feeds(conn, {e.slot.team for e in release.slots if e.slot.team}, base_url, now)
    if release.version > 1:  # the first roster moves nobody's duty
        await tell_people(conn, site, found, now)


async def _save_team_feeds(conn: Connection, teams: set[str], base_url: str, now: datetime) -> None:
    rows = await conn.fetch(_TEAMS, sorted(teams))
    if not rows:
        return
    public = [await releases.load_release(conn, row["site_id"]) for row in await conn.fetch(_RELEASES)]
    shown = [release for release in public if release is not None]
    names = await inputs.name_people(conn, {p for r in shown for p in releases.people_of(r)})
    places = await inputs.name_sites(conn, {r.site for r in shown}, base_url)
    for row in rows:
        name = Words(row["name_zh"], row["name_en"])
        bodies = {
            language.value: ical.render(event_feeds.team_feed(row["slug"], name, shown, places, names, language))
            for language in Language
        }
        about = FeedOf(about="team", subject=row["slug"], slug=f"team.{row['slug'].replace('_', '-')}")
        await save_feed(conn, about, bodies, now)


async def tell_people(conn: Connection, site: SiteRef, changes: tuple[Change, ...], now: datetime) -> None:
    """One message per person with all of their changes; by mail where an address is known, else on their page only."""
    concerned = sorted({person for change in changes for person in _told(change, now)})
    mail = await outbox.mail_of(conn, concerned)
    for person in concerned:
        mine = [change for change in changes if person in _told(change, now)]
        body = "\n\n".join(_text(site, person, mine, language) for language in Language)
        address = mail.get(person, "")
        channel = Channel.MAIL if address else Channel.LOG
        subject = f"{_SUBJECT.zh} · {_SUBJECT.en}"
        await outbox.put(conn, Message(channel, address, "duty_changed", subject, body, person), now)


def _told(change: Change, now: datetime) -> frozenset[PersonId]:
    """Whom a change concerns: who comes, who goes, and everybody of a shift that moved. Words only are nobody's news."""
    slot = change.after or change.before
    if slot is None or slot.during.end <= now or change.kind is ChangeKind.RENAMED:
        return frozenset()
    if change.kind is not ChangeKind.RESEATED or change.before is None or change.after is None:
        return change.people
    return frozenset(set(change.before.people) ^ set(change.after.people))


def _text(site: SiteRef, person: PersonId, changes: list[Change], language: Language) -> str:
    place = site.name_zh if language is Language.ZH else site.name_en
    lines = [f"{_SUBJECT[language]} ({place})"]
    lines += [_line(person, change, language) for change in changes[:LINES]]
    if len(changes) > LINES:
        lines.append(f"... +{len(changes) - LINES}")
    return "\n".join(lines)


def _line(person: PersonId, change: Change, language: Language) -> str:
    slot = change.after or change.before
    assert slot is not None
    day = f"{day_name(slot.day, language)} {weekday_name(slot.day, language)}"
    times = f"{clock(slot.during.start)}-{clock(slot.during.end)}"
    what = _WHAT[change.kind][language]
    if change.kind is ChangeKind.RESEATED:
        comes = change.after is not None and person in change.after.people
        what = Words("轮到您", "now yours")[language] if comes else Words("不再由您值", "no longer yours")[language]
    return f"- {day} {times} {service_name(slot.service, language)}: {what}"
