"""The checker that opens from a USB stick, held against thousands of damaged packs: the whole pack lies in the page's memory, damage comes as a patch.

The page is the product's own, opened from a file without a network, and asked by the function that its own file button calls. Only the
way in differs: bytes of memory instead of a file on disk, because a file for each damage would measure the browser's files.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media.record.reader import Damage
from server.evidence.verifier_page import verifier_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# How the page calls the archive as a whole.
ARCHIVE = "zip"

_KEEP = """(encoded) => {
    const whole = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
    const inMemory = (bytes) => ({
        size: bytes.length,
        slice: (start, end) => ({ arrayBuffer: async () => bytes.slice(start, end).buffer }),
    });
    const patched = ([kept, middle, rest]) => {
        const put = Uint8Array.from(atob(middle), (c) => c.charCodeAt(0));
        const bytes = new Uint8Array(kept + put.length + rest);
        bytes.set(whole.subarray(0, kept));
        bytes.set(put, kept);
        bytes.set(whole.subarray(whole.length - rest), kept + put.length);
        return inMemory(bytes);
    };
    const { checkPack, say } = window.laizuoVerifier;
    window.benchCheck = (patches) => Promise.all(patches.map(async (patch) => {
        const report = await checkPack(patched(patch));
        const told = report.damages.map((one) => [one.file, one.block, one.second, say("en", one.key, one.values)]);
        return report.ok === (told.length === 0) ? told : "verdict and findings differ";
    }));
}"""

Patch = tuple[int, str, int]


class PageChecker:
    """One page with one pack in it."""

    def __init__(self, page: Page, pack: bytes) -> None:
        self._page, self._pack = page, pack
        page.evaluate(_KEEP, base64.b64encode(pack).decode())

    def check(self, packs: Sequence[bytes]) -> list[list[Damage]]:
        """What the page finds in each of these packs, which are damaged copies of the whole one."""
        answers: list[Any] = self._page.evaluate(
            "(patches) => benchCheck(patches)", [patch_of(self._pack, one) for one in packs]
        )
        return [[_damage(*one) for one in found] for found in answers]


def patch_of(whole: bytes, changed: bytes) -> Patch:
    """(bytes kept at the beginning, what stands behind them in base64, bytes kept at the end)."""
    limit = min(len(whole), len(changed))
    kept = _common(limit, lambda count: whole[:count] == changed[:count])
    rest = _common(limit - kept, lambda count: whole[len(whole) - count :] == changed[len(changed) - count :])
    return kept, base64.b64encode(changed[kept : len(changed) - rest]).decode(), rest


def _common(limit: int, agree: Any) -> int:
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if agree(middle) else (low, middle - 1)
    return low


def _damage(file: str, block: int | None, second: float | None, what: str) -> Damage:
    return Damage("the archive" if file == ARCHIVE else file, block, second, what)


@contextmanager
def page_checker(browser: Browser, folder: Path, pack: bytes) -> Iterator[PageChecker]:
    """The page opened from a file in `folder`, with the pack in its memory."""
    file = folder / "verifier.html"
    file.write_text(verifier_page(), "utf-8")
    context = browser.new_context(offline=True, locale="en-GB")
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        yield PageChecker(page, pack)
    finally:
        context.close()
