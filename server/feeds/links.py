"""A feed's addresses: https, webcal and a picture to scan. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import segno


@dataclass(frozen=True, slots=True)
class Subscription:
    """What somebody needs to subscribe: two links and a QR picture (data: URI of an SVG)."""

    https: str
    webcal: str
    qr: str


def subscription(base_url: str, name: str, language: str) -> Subscription:
    """Links of the feed `name` (slug or secret).

    The QR holds the https link: every camera opens it, while few Android programs know webcal.
    """
    path = f"/feeds/{name}.ics" if language == "zh-CN" else f"/feeds/{name}.{language}.ics"
    https = base_url.rstrip("/") + path
    _, _, rest = https.partition("://")
    picture = segno.make(https, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return Subscription(https, f"webcal://{rest}", picture)


def name_and_variant(file_name: str) -> tuple[str, str]:
    """Split `rongchuan.notarization.en` into the feed's name and its variant; Chinese without a suffix."""
    name, dot, suffix = file_name.rpartition(".")
    return (name, "en") if dot and suffix == "en" else (file_name, "zh-CN")
