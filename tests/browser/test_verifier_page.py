"""The checker that anybody opens from a USB stick: in Chromium, from a file, without a network, against the Python one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from media.record.packs.check import Report, check_bytes
from server.evidence.verifier_page import verifier_page
from tests.support.packed_session import corpus, good_pack

# The long run (10,000 flips, 1,000 others) is `bench tamper`; here a sample of each kind.
FLIPS, OTHERS = 40, 40

CHECK = """async ([encoded]) => {
    const { checkPack, sentence } = window.laizuoVerifier;
    const report = await checkPack(new Blob([Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0))]));
    return { ok: report.ok, seconds: report.damages.map((one) => one.second), said: report.damages.map((one) => sentence("en", one)) };
}"""


@pytest.fixture(scope="module")
def pack() -> bytes:
    """Made before any event loop runs: signing starts one of its own."""
    return good_pack()


@pytest.fixture
async def page(chromium: Browser, tmp_path: Path) -> Page:
    path = tmp_path / "verifier.html"
    path.write_text(verifier_page(), "utf-8")
    context = await chromium.new_context(offline=True, locale="zh-CN")
    opened = await context.new_page()
    await opened.goto(path.as_uri())
    return opened


async def checked(page: Page, pack: bytes) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(CHECK, [base64.b64encode(pack).decode()])
    return found


def seconds_of(report: Report) -> list[float]:
    return [damage.second for damage in report.damages if damage.second is not None]


async def test_a_person_drops_a_pack_and_reads_the_verdict(page: Page, pack: bytes, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    at = pack.find(b"LZB1", pack.find(b"LZB1", pack.find(b"LZB1") + 4) + 4) + 1500
    good.write_bytes(pack)
    bad.write_bytes(pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :])

    await page.set_input_files("#file", good)
    await page.wait_for_selector('#verdict[data-state="whole"]')
    assert await page.inner_text("#verdict") == "完整、未改动"
    assert "Laizuo trial signer" in await page.inner_text("#facts")

    await page.set_input_files("#file", bad)
    await page.wait_for_selector('#verdict[data-state="changed"]')
    await page.click("#language")

    said = await page.inner_text("#findings")
    assert "block 2, second 0." in said, said
    assert "the bytes of chunk" in said


async def test_both_checkers_accept_the_good_pack_and_agree_on_every_changed_one(page: Page, pack: bytes) -> None:
    whole = await checked(page, pack)
    assert (whole["ok"], whole["said"]) == (True, [])

    disagreed: list[str] = []
    for number, changed in enumerate(corpus(7, FLIPS, OTHERS)):
        ours, theirs = check_bytes(memoryview(changed)), await checked(page, changed)
        places = seconds_of(ours), [second for second in theirs["seconds"] if second is not None]
        same_place = bool(places[0]) == bool(places[1]) and (not places[0] or abs(places[0][0] - places[1][0]) < 0.01)
        if ours.ok or theirs["ok"] or not same_place:
            disagreed.append(f"{number}: {[str(damage) for damage in ours.damages][:3]} against {theirs['said'][:3]}")

    assert disagreed == []


async def test_bytes_that_are_no_pack_are_told(page: Page) -> None:
    for junk in (b"", b"PK\x03\x04", b"x" * 1000):
        assert not (await checked(page, junk))["ok"]


async def test_the_page_asks_nobody(page: Page) -> None:
    policy = await page.get_attribute('meta[http-equiv="Content-Security-Policy"]', "content")

    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
