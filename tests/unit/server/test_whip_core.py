"""What WHIP and WHEP read of an offer, a fragment and a header; and that the page's table is the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.signaling.whip.core import (
    REFUSALS,
    BadOffer,
    IceKeys,
    Kind,
    accepts,
    bearer,
    etag_of,
    fragment_of,
    ice_keys,
    judge_patch,
    links,
    restarted,
    sources_of,
)

ROOT = Path(__file__).parents[3]
PWD = "p" * 24


def offer(*directions: str, head: str = "a=group:BUNDLE 0 1", kinds: str = "audio video video") -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", head]
    for mid, (kind, direction) in enumerate(zip(kinds.split(), directions, strict=False)):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", "a=ice-ufrag:AAAA", f"a=ice-pwd:{PWD}", f"a=mid:{mid}"]
        lines += [f"a={direction}"] if direction else []
    return "\r\n".join(lines) + "\r\n"


def test_an_encoder_sends_a_voice_and_a_picture_of_its_choice() -> None:
    sdp = offer("sendonly", "sendonly")

    assert sources_of(Kind.WHIP, sdp, "face") == {"0": "voice", "1": "face"}
    assert sources_of(Kind.WHIP, sdp, "document") == {"0": "voice", "1": "document"}


def test_a_screen_sends_nothing() -> None:
    assert sources_of(Kind.WHEP, offer("recvonly", "recvonly", "inactive"), "face") == {}


def test_a_direction_of_the_session_is_that_of_its_lines() -> None:
    assert sources_of(Kind.WHIP, offer("", "", head="a=sendonly"), "face") == {"0": "voice", "1": "face"}


@pytest.mark.parametrize(
    ("kind", "sdp", "why"),
    [
        (Kind.WHIP, "", "not a session description"),
        (Kind.WHIP, "v=0\r\ns=-\r\n", "not a session description"),
        (Kind.WHIP, "\r\n" + offer("sendonly"), "not a session description"),
        (Kind.WHIP, offer("sendonly", "recvonly"), "media line 2 must be sendonly"),
        (Kind.WHIP, offer("sendonly", "sendonly", "sendonly"), "media line 3 is a second video"),
        (Kind.WHIP, offer("inactive", "inactive"), "no line sends"),
        (Kind.WHIP, offer("sendonly", kinds="application"), "no line sends"),
        (Kind.WHIP, offer("sendonly").replace("a=mid:0", "a=mid:" + "x" * 17), "no a=mid"),
        (Kind.WHIP, "v=0\r\n" + "m=audio 9 X 0\r\na=mid:0\r\n" * 65, "more than 64"),
        (Kind.WHEP, offer("recvonly", "sendrecv"), "media line 2 must be recvonly"),
        (Kind.WHEP, offer("", "recvonly"), "media line 1 must be recvonly"),
    ],
)
def test_what_is_no_offer_for_this_resource_is_told_why(kind: Kind, sdp: str, why: str) -> None:
    with pytest.raises(BadOffer, match=why):
        sources_of(kind, sdp, "face")


def test_a_restart_is_the_same_offer_with_other_credentials() -> None:
    again = restarted(offer("sendonly", "sendonly"), IceKeys("BBBB", "q" * 24))

    assert ice_keys(again) == IceKeys("BBBB", "q" * 24)
    assert "AAAA" not in again
    assert again.replace("BBBB", "AAAA").replace("q" * 24, PWD) == offer("sendonly", "sendonly")


@pytest.mark.parametrize(
    ("fragment", "if_match", "verdict"),
    [
        ("a=candidate:1 1 udp 1 127.0.0.1 9 typ host", '"tag"', None),
        ("a=candidate:1 1 udp 1 127.0.0.1 9 typ host", None, None),
        ("a=candidate:1 1 udp 1 127.0.0.1 9 typ host", '"old"', "stale_etag"),
        (f"a=ice-ufrag:AAAA\r\na=ice-pwd:{PWD}\r\n", '"tag"', None),
        (f"a=ice-ufrag:BBBB\r\na=ice-pwd:{PWD}\r\n", '"*"', IceKeys("BBBB", PWD)),
        (f"a=ice-ufrag:BBBB\r\na=ice-pwd:{PWD}\r\n", "*", IceKeys("BBBB", PWD)),
        (f"a=ice-ufrag:BBBB\r\na=ice-pwd:{PWD}\r\n", '"tag"', "stale_etag"),
        (f"a=ice-ufrag:BBBB\r\na=ice-pwd:{PWD}\r\n", None, "no_etag"),
        ("a=ice-ufrag:B\r\na=ice-pwd:short\r\n", '"*"', "bad_offer"),
    ],
)
def test_what_a_patch_asks_for(fragment: str, if_match: str | None, verdict: object) -> None:
    assert judge_patch(fragment, offer("sendonly"), '"tag"', if_match) == verdict


def test_a_restart_is_answered_with_credentials_and_candidates() -> None:
    answer = offer("recvonly").replace(
        "a=mid:0", "a=mid:0\r\na=candidate:1 1 udp 1 ::1 9 typ host\r\na=end-of-candidates"
    )

    assert etag_of(answer) == '"AAAA"'
    assert fragment_of(answer).split("\r\n") == [
        "a=ice-lite",
        "a=ice-ufrag:AAAA",
        f"a=ice-pwd:{PWD}",
        "m=audio 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:0",
        "a=candidate:1 1 udp 1 ::1 9 typ host",
        "a=end-of-candidates",
        "",
    ]


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_bearer_token_is_one(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


@pytest.mark.parametrize(
    ("header", "yes"),
    [
        (None, True),
        ("*/*", True),
        ("application/sdp", True),
        ("text/html, application/*;q=0.5", True),
        ("text/html", False),
        ("application/sdp;q=0", False),
        ("application/sdp; q=0.0, text/plain", False),
    ],
)
def test_what_an_accept_header_lets_through(header: str | None, yes: bool) -> None:
    assert accepts(header, "application/sdp") is yes


def test_ice_servers_are_links() -> None:
    servers: list[dict[str, str | list[str]]] = [
        {"urls": "stun:a.example"},
        {"urls": ["turn:b.example", "turns:b.example"], "username": '1:"x"', "credential": "s\\"},
    ]

    more = 'rel="ice-server"; username="1:\\"x\\""; credential="s\\\\"; credential-type="password"'
    assert links(servers) == [
        '<stun:a.example>; rel="ice-server"',
        f"<turn:b.example>; {more}",
        f"<turns:b.example>; {more}",
    ]


def test_the_table_of_the_page_is_the_one_of_the_code() -> None:
    page = (ROOT / "server/signaling/PROTOCOL.md").read_text("utf-8")

    told = {(int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)}
    assert told == set(REFUSALS.values())
