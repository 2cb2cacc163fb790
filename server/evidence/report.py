"""The plain-language report: facts in, a signed PDF/A out. Typst sets it; pyHanko signs it as PAdES."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import typst
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, async_sign_pdf
from pyhanko.sign.timestamps import TimeStamper

from media.record.films.composed import CAPTIONS
from media.record.films.fonts import find_font
from media.record.films.letters import known_characters
from media.record.packs.write import Draft
from server.evidence.identity import Credential
from server.evidence.signing import signer_of

LANGUAGES = ("zh-CN", "en")
_HERE = Path(__file__).parent
WORDS: dict[str, dict[str, Any]] = json.loads((_HERE / "words.json").read_text("utf-8"))
# The product's clock (web/static/js/time.js).
_ZONE = timezone(timedelta(hours=8))
# A session of a day has thousands of events; the report shows the first ones, events.json has all.
MAX_EVENTS = 400


def report_facts(draft: Draft, about: dict[str, Any], language: str) -> dict[str, Any]:
    """What the report of one language says, as the template wants it. Pure.

    about  {"number", "procedure", "site", "end_reason": each by language, "opened_at", "ended_at", "made_at": RFC 3339,
           "people": {seat: {"name", "role": by language}}, "signing": [[key of words, value]], "own_authority": bool}
    """
    words = WORDS[language]
    manifest = draft.manifest
    names = {seat: person["name"] or person["role"][language] for seat, person in about["people"].items()}
    events = [event for room in draft.events.values() for event in room]
    start_us = min((int(event["wall_us"]) for event in events), default=0)
    return {
        "language": language,
        "words": words,
        "date": list(datetime.fromisoformat(about["made_at"]).timetuple()[:3]),
        "facts": [[words[key], value] for key, value in _facts(about, language)],
        "people": [[p["name"] or words["no_name"], p["role"][language]] for p in about["people"].values()],
        "films": [list(_film(film, words, names, manifest)) for film in draft.films],
        "gaps": [*_interruptions(events, words, start_us), *_film_gaps(draft.films, words, names)],
        "notes": list(_notes(draft, words, names)),
        "events": [list(_event(event, language, names, start_us)) for event in events if event["kind"] in CAPTIONS][:MAX_EVENTS],
        "heads": [[words["head"].format(block=j["block"]), j["head"], j["sm3"]] for j in manifest["journals"]],
        "files": [[m["path"], m["sha256"]] for m in manifest["members"] if m["path"].startswith("films/")],
        "signing": [[words[key], value or words["none"]] for key, value in about["signing"]],
        "own_authority": about["own_authority"],
    }  # fmt: skip


def _facts(about: dict[str, Any], language: str) -> Iterator[tuple[str, str]]:
    yield "number", about["number"]
    yield "procedure", about["procedure"][language]
    yield "site", about["site"][language]
    for key, value in (("opened", about["opened_at"]), ("ended", about["ended_at"]), ("made", about["made_at"])):
        yield key, _time(datetime.fromisoformat(value)) if value else "-"
    yield "reason", about["end_reason"][language]


def _film(
    film: dict[str, Any], words: dict[str, Any], names: dict[str, str], manifest: dict[str, Any]
) -> Iterator[str]:
    who = words["composed"] if film["kind"] == "composed" else f"{words['of']}: {names.get(film['seat'], '?')}"
    size = next((m["bytes"] for m in manifest["members"] if m["path"] == film["path"]), film["bytes"])
    yield f"{who} ({film['path']})"
    yield f"{film['length_us'] / 1e6:.1f} {words['seconds']}"
    yield f"{size / 1e6:.1f} MB"


def _interruptions(events: list[dict[str, Any]], words: dict[str, Any], start_us: int) -> Iterator[list[str]]:
    for event in events:
        if event["kind"] == "continued":
            gap_s = int(event["data"].get("gap_us", 0)) / 1e6
            said = words["gap_writer"].format(seconds=f"{gap_s:.1f}")
            cause = words.get(f"gap_{event['data'].get('facts', {}).get('after')}")
            yield [_second(event, start_us), f"{said} ({cause})" if cause else said]


def _film_gaps(films: list[dict[str, Any]], words: dict[str, Any], names: dict[str, str]) -> Iterator[list[str]]:
    for film in films:
        for gap in film.get("gaps", []):
            seconds = f"{(gap['to_us'] - gap['from_us']) / 1e6:.1f}"
            cause = words.get(f"gap_{gap['cause']}", gap["cause"])
            yield [f"{gap['from_us'] / 1e6:.1f}", words["gap_film"].format(who=names.get(film["seat"], "?"), cause=cause, seconds=seconds)]  # fmt: skip


def _notes(draft: Draft, words: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    for film in draft.films:
        if film.get("frames_lost"):
            yield words["lost"].format(who=names.get(film["seat"], "?"), count=film["frames_lost"])
    withheld = sum(len(journal["withheld"]) for journal in draft.manifest["journals"])
    if withheld:
        yield words["withheld"].format(count=withheld)


def _event(event: dict[str, Any], language: str, names: dict[str, str], start_us: int) -> Iterator[str]:
    said = CAPTIONS[event["kind"]][0 if language == "zh-CN" else 1]
    who = names.get(event["seat"] or "", "")
    yield _time(datetime.fromtimestamp(int(event["wall_us"]) / 1e6, _ZONE))
    yield _second(event, start_us)
    yield f"{said}: {who}" if who else said


def _second(event: dict[str, Any], start_us: int) -> str:
    return f"{(int(event['wall_us']) - start_us) / 1e6:.1f}"


def _time(at: datetime) -> str:
    return at.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def writable(value: Any, known: frozenset[int]) -> Any:
    """The same value with each character that the font lacks as its code: a rare name must not stop a record, nor vanish from it."""
    if isinstance(value, str):
        return "".join(c if ord(c) in known else f"[U+{ord(c):04X}]" for c in value)
    if isinstance(value, dict):
        return {key: writable(entry, known) for key, entry in value.items()}
    return [writable(entry, known) for entry in value] if isinstance(value, list) else value


def render_report(facts: dict[str, Any]) -> bytes:
    """PDF/A-3b, not yet signed. Raises RuntimeError when there is no font with Chinese letters."""
    font = find_font()
    if font is None:
        raise RuntimeError("the report needs a font with Chinese letters (justmytype-intl-cjk)")
    shown = writable(facts, known_characters(font))
    shown["replaced"] = shown != facts
    pdf = typst.compile(
        _HERE / "report.typ", format="pdf", sys_inputs={"data": json.dumps(shown, ensure_ascii=False)},
        font_paths=[font.parent], ignore_system_fonts=True, pdf_standards="a-3b",
    )  # fmt: skip
    if not isinstance(pdf, bytes):
        raise RuntimeError("the report did not become one document")
    return pdf


async def sign_report(pdf: bytes, credential: Credential, stamper: TimeStamper | None, reason: str) -> bytes:
    """PAdES over the whole file; with a stamper its signature carries a time stamp (B-T). Raises what the stamper raises."""
    metadata = PdfSignatureMetadata(
        field_name="Laizuo", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, reason=reason
    )
    signed = await async_sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer_of(credential), timestamper=stamper
    )
    return bytes(signed.getbuffer())
