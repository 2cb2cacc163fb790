"""Photographs of sites: checked, made small, stripped of everything but the picture, kept below the data directory."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from server.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "photos"
LONGEST_SIDE = 1600  # px: what a map's card and a poster need
_LARGEST = 40_000_000  # px of the picture that is sent; a phone takes 12 to 50 million


def make_small(raw: bytes) -> bytes:
    """JPEG bytes of at most 1600 px a side, upright, without place, time or device. Raises BadInput('bad_picture')."""
    try:
        with Image.open(io.BytesIO(raw), formats=["JPEG", "PNG", "WEBP"]) as sent:
            if sent.width * sent.height > _LARGEST:
                raise BadInput("bad_picture", detail="too large")
            picture = ImageOps.exif_transpose(sent).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise BadInput("bad_picture") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82)
    return out.getvalue()


def keep(data: Path, raw: bytes) -> str:
    """Write the small picture; its path below the data directory. The name is its content's, so a name never changes its picture."""
    small = make_small(raw)
    name = f"{FOLDER}/{hashlib.sha256(small).hexdigest()[:32]}.jpg"
    path = data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(small)
    fresh.replace(path)
    return name
