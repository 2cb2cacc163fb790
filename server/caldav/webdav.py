"""CalDAV's XML in and out, and which events a query wants. Pure: bytes and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from xml.etree import ElementTree as ET

from schedules.core.ical_items import Item, Manifest
from schedules.core.model import CHINA

DAV, CAL, APPLE = "DAV:", "urn:ietf:params:xml:ns:caldav", "http://calendarserver.org/ns/"
ET.register_namespace("D", DAV)
ET.register_namespace("C", CAL)
ET.register_namespace("CS", APPLE)

SYNC = "urn:laizuo:sync:"
"""A sync-token is a URI (RFC 6578 3.2): ours is this and the number of the feed's version."""


def dav(name: str) -> str:
    return f"{{{DAV}}}{name}"


def cal(name: str) -> str:
    return f"{{{CAL}}}{name}"


class BadXml(ValueError):
    """The body is no XML that we read; the text says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """A REPORT or PROPFIND. `props` None: all that there are."""

    name: str
    props: tuple[str, ...] | None
    hrefs: tuple[str, ...] = ()
    sync_token: str = ""
    query: ET.Element | None = None


def read_report(body: bytes) -> Report:
    """Parse a request's body; an empty one asks for all properties (RFC 4918 9.1). Raises BadXml."""
    if not body.strip():
        return Report(dav("propfind"), None)
    if b"<!" in body.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise BadXml("document types and entities are not read")  # they expand without end
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise BadXml(str(error)) from error
    prop = root.find(dav("prop"))
    return Report(
        name=root.tag,
        props=None if prop is None else tuple(child.tag for child in prop),
        hrefs=tuple((href.text or "").strip() for href in root.findall(dav("href"))),
        sync_token=(root.findtext(dav("sync-token")) or "").strip(),
        query=root.find(cal("filter")),
    )


# ---------------------------------------------------------------- answers

Value = str | Callable[[ET.Element], None]
"""A property: its text, or what fills its element."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One resource of a multistatus; `props` None: it is gone (or was never there)."""

    href: str
    props: Mapping[str, Value] | None


def multistatus(answers: Iterable[Answer], wanted: tuple[str, ...] | None, sync_token: str = "") -> bytes:
    """207's body: for each resource what was wanted and is there, and what is not there."""
    root = ET.Element(dav("multistatus"))
    for answer in answers:
        response = ET.SubElement(root, dav("response"))
        ET.SubElement(response, dav("href")).text = answer.href
        if answer.props is None:
            ET.SubElement(response, dav("status")).text = "HTTP/1.1 404 Not Found"
            continue
        names = tuple(answer.props) if wanted is None else wanted
        there = [name for name in names if name in answer.props]
        _propstat(response, "200 OK", [(name, answer.props[name]) for name in there])
        _propstat(response, "404 Not Found", [(name, "") for name in names if name not in answer.props])
    if sync_token:
        ET.SubElement(root, dav("sync-token")).text = sync_token
    return _bytes(root)


def _bytes(root: ET.Element) -> bytes:
    raw: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw


def _propstat(response: ET.Element, status: str, props: list[tuple[str, Value]]) -> None:
    if not props:
        return
    propstat = ET.SubElement(response, dav("propstat"))
    prop = ET.SubElement(propstat, dav("prop"))
    for name, value in props:
        element = ET.SubElement(prop, name)
        if callable(value):
            value(element)
        else:
            element.text = value or None
    ET.SubElement(propstat, dav("status")).text = f"HTTP/1.1 {status}"


def error(condition: str) -> bytes:
    """The body of a refusal that names a precondition (RFC 4918 16)."""
    root = ET.Element(dav("error"))
    ET.SubElement(root, condition)
    return _bytes(root)


def hrefs(*targets: str) -> Value:
    """A property that holds addresses."""

    def fill(element: ET.Element) -> None:
        for target in targets:
            ET.SubElement(element, dav("href")).text = target

    return fill


def children(*names: str) -> Value:
    """A property that holds empty elements, e.g. resourcetype."""

    def fill(element: ET.Element) -> None:
        for name in names:
            ET.SubElement(element, name)

    return fill


def reports() -> Value:
    """DAV:supported-report-set."""

    def fill(element: ET.Element) -> None:
        for name in (cal("calendar-query"), cal("calendar-multiget"), dav("sync-collection")):
            supported = ET.SubElement(element, dav("supported-report"))
            ET.SubElement(ET.SubElement(supported, dav("report")), name)

    return fill


def privileges() -> Value:
    """DAV:current-user-privilege-set: reading, and nothing else."""

    def fill(element: ET.Element) -> None:
        for name in ("read", "read-current-user-privilege-set"):
            ET.SubElement(ET.SubElement(element, dav("privilege")), dav(name))

    return fill


def components() -> Value:
    """CALDAV:supported-calendar-component-set."""

    def fill(element: ET.Element) -> None:
        ET.SubElement(element, cal("comp"), {"name": "VEVENT"})

    return fill


# ---------------------------------------------------------------- queries


class UnsupportedFilter(ValueError):
    """A filter that we do not know; better refused than half obeyed (RFC 4791 7.8: CALDAV:supported-filter)."""


def matching(items: Iterable[Item], query: ET.Element | None) -> list[Item]:
    """The items that a calendar-query wants. Raises UnsupportedFilter."""
    if query is None:
        return list(items)
    calendar = query.find(cal("comp-filter"))
    if calendar is None or calendar.get("name") != "VCALENDAR":
        raise UnsupportedFilter("comp-filter VCALENDAR is expected")
    inner = calendar.findall(cal("comp-filter"))
    if any(part.get("name") != "VEVENT" for part in inner):
        return []  # we have events only
    tests = [_test(condition) for part in inner for condition in part]
    return [item for item in items if all(test(item) for test in tests)]


_EVER, _NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _test(condition: ET.Element) -> Callable[[Item], bool]:
    if condition.tag == cal("time-range"):
        start, end = _utc(condition.get("start"), _EVER), _utc(condition.get("end"), _NEVER)
        return lambda item: _instant(item.start) < end and _instant(item.end) > start
    text = condition.find(cal("text-match"))
    if condition.tag == cal("prop-filter") and text is not None and condition.get("name") in ("UID", "SUMMARY"):
        wanted = (text.text or "").casefold()
        by_uid, negated = condition.get("name") == "UID", text.get("negate-condition") == "yes"
        return lambda item: (wanted in (item.uid if by_uid else item.summary).casefold()) is not negated
    raise UnsupportedFilter(condition.tag)


def _utc(text: str | None, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error_:
        raise BadXml(f"time-range: {text!r} is no UTC instant") from error_


def _instant(text: str) -> datetime:
    """DTSTART or DTEND of ours: a local date and time, or a date."""
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=CHINA)
    return datetime.combine(date(int(text[:4]), int(text[4:6]), int(text[6:8])), time.min, CHINA)


# ---------------------------------------------------------------- synchronising


def sync_token(number: int) -> str:
    return f"{SYNC}{number}"


def number_of(token: str) -> int | None:
    """The version that a token names; None where it is none of ours."""
    text = token.removeprefix(SYNC)
    return int(text) if token.startswith(SYNC) and text.isascii() and text.isdigit() and len(text) < 10 else None


def changed_since(old: Manifest, new: Manifest) -> tuple[list[str], list[str]]:
    """UIDs that are new or different, and those that are gone."""
    changed = [uid for uid, line in new.items() if uid not in old or old[uid].tag != line.tag]
    return changed, [uid for uid in old if uid not in new]
