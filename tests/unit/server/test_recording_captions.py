"""Captions of a film, from what happened."""

from __future__ import annotations

from typing import Any

from server.i18n import Catalog
from server.recordings.captions import sentence_in, web_vtt

WORDS = {
    "sessions.event_joined": "{name} came in",
    "sessions.event_ended": "Ended",
    "names.role_applicant": "applicant",
}
CATALOG = Catalog("en", WORDS, b"", "")


def event(at_us: int, kind: str, seat: str | None = None) -> dict[str, Any]:
    return {"n": 0, "at_us": at_us, "kind": kind, "seat": seat}


def test_each_event_with_words_is_a_cue_on_the_films_clock() -> None:
    sentence = sentence_in(
        CATALOG, {"a": {"name": "Li <Wan>\n\nqing", "role": "party"}, "b": {"name": "", "role": "applicant"}}
    )
    events = [
        event(-5, "joined", "a"),
        event(3_661_001_000, "joined", "b"),
        event(3_661_001_000, "stream", "b"),
        event(9_000_000_000, "ended"),
    ]

    assert web_vtt(events, sentence, 3_662_000_000) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:04.000\nLi &lt;Wan&gt; qing came in\n\n"
        "01:01:01.001 --> 01:01:02.000\napplicant came in\n"
    )


def test_without_events_it_is_still_a_track() -> None:
    assert web_vtt([], lambda _: "", 0) == "WEBVTT\n"
