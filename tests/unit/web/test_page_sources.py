"""What the strict content security policy and the house rules forbid in pages, styles and scripts, found before a browser does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
WEB = ROOT / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted((WEB / "static" / "js").rglob("*.js"))
STYLES = sorted((WEB / "static" / "css").rglob("*.css"))
ALL_PAGES = "\n".join(path.read_text("utf-8") for path in [*TEMPLATES, *SCRIPTS])
SPRITE = WEB / "static/vendor/lucide-1.62.0/sprite.svg"

FORBIDDEN_IN_HTML = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>"),
    "inline style": re.compile(r"<style\b|\sstyle\s*="),
    "event attribute": re.compile(r"\son[a-z]+\s*=\s*['\"]"),
    "another host": re.compile(r"(?:src|href)\s*=\s*['\"]?(?:https?:)?//"),
}
FORBIDDEN_IN_SCRIPT = {
    "HTML from a string": re.compile(
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write)\b"
    ),
    "code from a string": re.compile(r"\beval\(|\bnew Function\("),
    "another host": re.compile(r"['\"`]https?://"),
}
# The names of issue 2 and of the pages' contract: tests and helpers of others press them.
TEST_IDS = [
    "take-ticket",
    "citizen-name",
    "ticket-number",
    "people-ahead",
    "estimated-wait",
    "leave-queue",
    "start-over",
    "larger-text",
    "switch-language",
    "ask-help",
    "join",
    "mute-microphone",
    "turn-camera-off",
    "leave-room",
    "end-session",
    "confirm-end-session",
    "admit-person",
    "refuse-person",
    "remove-person",
    "silence-person",
    "invite-person",
    "invitation-link",
    "recording-state",
    "connection-state",
    "line-quality",
    "person-tile",
    "remote-video",
    "self-video",
    "call-next",
    "call-ticket",
    "waiting-list",
    "waiting-count",
    "open-room",
    "mark-no-show",
    "user-name",
    "password",
    "sign-in",
    "open-kiosk",
    "play-composed",
    "play-person",
    "download-pack",
    "session-event",
]


def findings(paths: list[Path], forbidden: dict[str, re.Pattern[str]]) -> list[str]:
    return [
        f"{path.relative_to(WEB)}: {what}: {found.group()[:60]}"
        for path in paths
        for what, pattern in forbidden.items()
        for found in pattern.finditer(path.read_text("utf-8"))
    ]


def test_templates_hold_nothing_inline_and_nothing_foreign() -> None:
    assert findings(TEMPLATES, FORBIDDEN_IN_HTML) == []


def test_scripts_make_no_html_and_no_code_from_strings() -> None:
    assert findings(SCRIPTS, FORBIDDEN_IN_SCRIPT) == []


def test_styles_fetch_nothing_from_elsewhere_and_keep_colours_in_the_tokens() -> None:
    colour = {"colour outside of tokens.css": re.compile(r"#[0-9a-fA-F]{6}\b")}
    elsewhere = {"another host": re.compile(r"url\(['\"]?(?:https?:)?//")}
    # Over video the words stand on black whatever the theme; paper is white.
    themed = [path for path in STYLES if path.name not in ("tokens.css", "room.css", "print.css")]

    assert findings(STYLES, elsewhere) == []
    assert findings(themed, colour) == []


@pytest.mark.parametrize("name", TEST_IDS)
def test_controls_carry_their_test_id(name: str) -> None:
    assert re.search(rf"""["'`]{re.escape(name)}["'`]""", ALL_PAGES)


def test_every_icon_in_use_is_in_the_sprite_and_none_is_there_for_nothing() -> None:
    symbols = set(re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE.read_text()))
    named = r"""(?:parts\.icon\(\s*|\$\{Icon\} name=|\bicon=|\bicon: )["']([a-z0-9-]+)["']"""

    assert sorted(set(re.findall(named, ALL_PAGES)) - symbols) == []
    assert [symbol for symbol in sorted(symbols) if not re.search(rf"""["'`]{symbol}["'`]""", ALL_PAGES)] == []


def test_scenes_are_modules_that_check_types() -> None:
    assert [
        str(path.relative_to(WEB)) for path in SCRIPTS if not path.read_text("utf-8").startswith("// @ts-check\n")
    ] == []


def test_the_protocol_client_touches_no_page_and_no_socket() -> None:
    text = (WEB / "static/js/protocol.js").read_text("utf-8")

    assert (
        re.findall(
            r"\b(?:document|window|WebSocket|RTCPeerConnection|setTimeout|Date\.now|Math\.random|localStorage)\b", text
        )
        == []
    )
    assert "import " not in text.replace("import(", "")
