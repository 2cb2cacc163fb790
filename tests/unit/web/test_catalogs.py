"""Words: both languages are complete, agree on their placeholders, and hold every key that a page, a script or an error asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
WEB = ROOT / "web"
AREAS = sorted(path.name for path in (WEB / "locales" / "zh-CN").glob("*.json"))
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# t('desk.title'), t("room.end"); a key made of parts (t(`names.role_${role}`), t('names.role_' ~ role)) is checked as a beginning.
LITERAL = re.compile(r"""\bt\(\s*(['"])([a-z0-9_]+\.[A-Za-z0-9_-]+)\1\s*[,)]""")
BEGINNING = re.compile(r"""\bt\(\s*(?:`([a-z0-9_]+\.[A-Za-z0-9_-]*)\$\{|(['"])([a-z0-9_]+\.[A-Za-z0-9_-]*)\2\s*~)""")
ERROR_CODE = re.compile(r"""\b(?:BadInput|Conflict|NotAllowed|NotFound|NotSignedIn|ServiceAway)\(\s*"([a-z_]+)\"""")
CHOICES = {
    "service": ("notarization", "mediation", "legal_aid", "legal_advice"),
    "role": [
        "notary",
        "notary_assistant",
        "mediator",
        "lawyer",
        "site_worker",
        "coordinator",
        "administrator",
        "in_charge",
        "staff",
        "applicant",
        "party",
        "interpreter",
        "supporter",
        "witness",
    ],
    "session": ("open", "live", "ended"),
    "reason": ("completed", "no_show", "technical", "refused", "withdrawn"),
    "kind": ["city", "county", "district", "town", "sub_district", "village", "residents", "park", "parlour"],
    "endpoint": ["kiosk", "room_system", "counter", "duty_desk", "hall_screen", "phone"],
}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (WEB / "locales" / language).glob("*.json"):
        found |= {f"{path.stem}.{key}": text for key, text in json.loads(path.read_text("utf-8")).items()}
    return found


def sources() -> list[Path]:
    scripts = [path for path in (WEB / "static" / "js").rglob("*.js")]
    return [*(WEB / "templates").rglob("*.html"), *scripts]


@pytest.mark.parametrize("area", AREAS)
def test_same_keys_and_placeholders_in_both_languages(area: str) -> None:
    chinese, english = (
        json.loads((WEB / "locales" / language / area).read_text("utf-8")) for language in ("zh-CN", "en")
    )

    assert list(chinese) == list(english)
    assert {key: set(PLACEHOLDER.findall(text)) for key, text in chinese.items()} == {
        key: set(PLACEHOLDER.findall(text)) for key, text in english.items()
    }


def test_both_languages_have_the_same_areas() -> None:
    assert sorted(path.name for path in (WEB / "locales" / "en").glob("*.json")) == AREAS


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_sentence_is_empty(language: str) -> None:
    assert [key for key, text in words(language).items() if not text.strip()] == []


def test_chinese_words_are_chinese() -> None:
    """A sentence that was never translated is the same in both languages; names of programs are."""
    chinese, english = words("zh-CN"), words("en")

    assert [key for key in sorted(chinese) if chinese[key] == english[key] and "{" not in chinese[key]] in (
        [],
        ["duty.on_outlook"],
    )


def test_every_key_that_pages_and_scripts_name_exists() -> None:
    known = words("zh-CN")

    missing = {
        f"{path.relative_to(WEB)}: {key}"
        for path in sources()
        for _, key in LITERAL.findall(path.read_text("utf-8"))
        if key not in known
    }

    assert missing == set()


def test_every_key_made_of_parts_has_somewhere_to_go() -> None:
    known = words("zh-CN")

    missing = {
        f"{path.relative_to(WEB)}: {script or template}..."
        for path in sources()
        for script, _, template in BEGINNING.findall(path.read_text("utf-8"))
        if not any(key.startswith(script or template) for key in known)
    }

    assert missing == set()


def test_names_of_all_choices_of_the_schema() -> None:
    known = words("zh-CN")

    assert [
        f"{kind}_{value}"
        for kind, values in CHOICES.items()
        for value in values
        if f"names.{kind}_{value}" not in known
    ] == []


def test_every_error_code_of_the_server_has_a_sentence() -> None:
    known = words("zh-CN")
    codes = {code for path in (ROOT / "server").rglob("*.py") for code in ERROR_CODE.findall(path.read_text("utf-8"))}

    assert codes
    assert sorted(code for code in codes if f"errors.{code}" not in known) == []
