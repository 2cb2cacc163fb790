"""Where a font with Chinese letters lies: the one that we bring, else one of the system's."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# Inside the package justmytype-intl-cjk: all of GB 2312 and the rare characters of names, OFL.
_BROUGHT = "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"
# Where Debian's packages put theirs (fonts-noto-cjk, fonts-wqy-*), then any letters at all.
_OF_THE_SYSTEM = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)


def find_font() -> Path | None:
    """A font file; None: there is none on this machine."""
    spec = find_spec("justmytype_intl_cjk")
    places = [Path(folder) / _BROUGHT for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((path for path in (*places, *map(Path, _OF_THE_SYSTEM)) if path.is_file()), None)
