"""Addresses of feeds."""

from __future__ import annotations

import pytest

from server.feeds.links import name_and_variant, subscription


@pytest.mark.parametrize(
    ("file_name", "name", "variant"),
    [
        ("rongchuan", "rongchuan", "zh-CN"),
        ("rongchuan.en", "rongchuan", "en"),
        ("rongchuan.legal_aid", "rongchuan.legal_aid", "zh-CN"),
        ("rongchuan.legal_aid.en", "rongchuan.legal_aid", "en"),
        ("en", "en", "zh-CN"),
        (".en", "", "en"),
    ],
)
def test_a_file_name_is_a_feed_and_a_variant(file_name: str, name: str, variant: str) -> None:
    assert name_and_variant(file_name) == (name, variant)


@pytest.mark.parametrize("base", ["https://duty.example.test", "https://duty.example.test/"])
def test_links_of_one_feed(base: str) -> None:
    chinese, english = subscription(base, "rongchuan", "zh-CN"), subscription(base, "rongchuan", "en")

    assert chinese.https == "https://duty.example.test/feeds/rongchuan.ics"
    assert english.https == "https://duty.example.test/feeds/rongchuan.en.ics"
    assert chinese.webcal == "webcal://duty.example.test/feeds/rongchuan.ics"
    assert chinese.qr.startswith("data:image/svg+xml")
    assert chinese.qr != english.qr
