"""The checker that anybody opens from a USB stick: in Chromium, from a file, without a network, against the Python one."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from media.record.packs.check import Report, check_bytes
from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.sealed import SealedWriter
from server.evidence import signing
from server.evidence.identity import Identity, open_identity
from server.evidence.signing import Authority
from server.evidence.verifier_page import verifier_page
from tests.support.ledger_packs import LIARS, ledger_pack
from tests.support.moved_journal import pack_of, record_moved
from tests.support.packed_session import anchors_of, corpus, good_pack, heads_of, record_journal, seal_pack
from tests.support.synthetic_session import KEY, START_WALL_US, Person

# The long run (10,000 flips, 1,000 others) is `bench tamper`; here a sample of each kind.
FLIPS, OTHERS = 40, 40
AFTER = dt.datetime.fromtimestamp(START_WALL_US / 1e6 + 10, dt.UTC)

CHECK = """async ([encoded]) => {
    const { checkPack, say, sentence } = window.laizuoVerifier;
    const report = await checkPack(new Blob([Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0))]));
    return { ok: report.ok, facts: report.facts.map((one) => say("en", one.key, one.values)), seconds: report.damages.map((one) => one.second), said: report.damages.map((one) => sentence("en", one)) };
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
        ours, theirs = await asyncio.gather(asyncio.to_thread(check_bytes, memoryview(changed)), checked(page, changed))
        places = seconds_of(ours), [second for second in theirs["seconds"] if second is not None]
        same_place = bool(places[0]) == bool(places[1]) and (not places[0] or abs(places[0][0] - places[1][0]) < 0.01)
        if ours.ok or theirs["ok"] or not same_place:
            disagreed.append(f"{number}: {[str(damage) for damage in ours.damages][:3]} against {theirs['said'][:3]}")

    assert disagreed == []


async def test_a_segment_that_does_not_say_all_it_must_is_unreadable_to_both(page: Page, pack: bytes) -> None:
    header = pack.find(b"LZJ1")
    for name in ("session", "room", "segment", "next_event", "next_stream", "torn", "mono_us", "boot"):
        at = pack.index(f'"{name}":'.encode(), header) + 1
        changed = pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :]
        ours, theirs = check_bytes(memoryview(changed)), await checked(page, changed)
        assert any("the segment's header is not readable" in str(damage) for damage in ours.damages), name
        assert any("the segment's header is not readable" in said for said in theirs["said"]), (name, theirs["said"])


async def test_both_stop_where_a_later_segment_says_that_a_volume_failed(page: Page, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    await asyncio.to_thread(record_moved, first, second, [Person("a", size=(160, 120), leaves=3.0)], 3.0)
    pack = pack_of(first, second)
    left = pack.index(b"LZJ1", pack.index(b"LZJ1") + 4) - 500  # in the block that was written and not called recorded
    changed = pack[:left] + bytes([pack[left] ^ 1]) + pack[left + 1 :]

    assert (check_bytes(memoryview(pack)).damages, (await checked(page, pack))["said"]) == ([], [])
    for said in (
        [str(one) for one in check_bytes(memoryview(changed)).damages],
        (await checked(page, changed))["said"],
    ):
        assert any("bytes at the end are not a readable block" in one for one in said), said


async def test_a_manifest_that_lost_a_name_is_told_in_the_same_words(page: Page, pack: bytes) -> None:
    manifest = pack.index(b'"journals":')
    for name, words in (("room", "journal/?, block 0, second 0.0: holds no readable block"), ("path", "?: is ")):
        at = pack.index(f'"{name}":'.encode(), manifest) + 1
        changed = pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :]
        ours, theirs = check_bytes(memoryview(changed)), await checked(page, changed)
        assert any(words in str(damage) for damage in ours.damages), [str(damage) for damage in ours.damages]
        assert any(words in said for said in theirs["said"]), theirs["said"]


@pytest.fixture(scope="module")
def ledger_packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An honest one under "", and each liar."""
    ours = open_identity(tmp_path_factory.mktemp("ours"), dt.datetime.now(dt.UTC))
    made = {"": ledger_pack(tmp_path_factory.mktemp("journal"), ours)}
    return made | {
        name: ledger_pack(tmp_path_factory.mktemp("journal"), ours, **lie) for name, (lie, _) in LIARS.items()
    }


async def test_both_keep_the_ledger_and_say_the_same_of_each_lie(page: Page, ledger_packs: dict[str, bytes]) -> None:
    told = {name: await checked(page, pack) for name, pack in ledger_packs.items()}

    assert told[""]["said"] == []
    assert "6 packets received + 3 declared missing + 1 withheld + 0 not said = 10 sent" in " ".join(told[""]["facts"])
    for name, (_, words) in LIARS.items():
        ours = [str(damage) for damage in check_bytes(memoryview(ledger_packs[name])).damages]
        assert any(words in one for one in ours), (name, ours)
        assert len(told[name]["said"]) == len(ours) == 1, (name, told[name]["said"], ours)


@dataclass
class Brought:
    """A pack that its makers rewrote, and what somebody else kept of it."""

    pack: Path
    certificates: list[Path]
    anchors: Path


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Brought:
    """The superuser threw the stamps away that were made outside; somebody has them."""
    folder = tmp_path_factory.mktemp("brought")
    ours: Identity = open_identity(folder / "ours", dt.datetime.now(dt.UTC))
    outside = Authority("", open_identity(folder / "outside", dt.datetime.now(dt.UTC)), lambda: AFTER)
    honest, forged = (record_journal(folder / name, seconds) for name, seconds in (("honest", 6.0), ("forged", 5.6)))
    kept = anchors_of(outside.identity, heads_of(honest)[-1:], lambda head: asyncio.run(signing.stamp(outside, head)))
    (folder / "kept.jsonl").write_text("".join(json.dumps(anchor) + "\n" for anchor in kept))
    (folder / "pack.zip").write_bytes(seal_pack(forged, [], ours, [])[0])
    return Brought(folder / "pack.zip", [folder / "ours/ca.pem", folder / "outside/ca.pem"], folder / "kept.jsonl")


async def test_what_somebody_kept_apart_is_chosen_in_the_page_and_finds_the_superuser(
    page: Page, brought: Brought
) -> None:
    await page.set_input_files("#file", brought.pack)
    await page.wait_for_selector('#verdict[data-state="whole"]')
    await page.click("#known")

    await page.set_input_files("#trust-file", brought.certificates[0])
    await page.wait_for_selector('#verdict[data-state="whole"]')
    await page.set_input_files("#trust-file", brought.certificates[1])
    await page.wait_for_selector('#verdict[data-state="changed"]')
    assert "不在您信任的之列" in await page.inner_text("#findings")

    await page.set_input_files("#trust-file", brought.certificates)
    await page.wait_for_selector('#verdict[data-state="whole"]')
    await page.set_input_files("#anchors-file", brought.anchors)
    await page.wait_for_selector('#verdict[data-state="changed"]')
    assert "时间戳" in await page.inner_text("#findings")

    await page.set_input_files("#anchors-file", brought.pack)
    await page.wait_for_function("() => document.getElementById('bad-extra').textContent !== ''")
    assert "pack.zip" in await page.inner_text("#bad-extra")


# A pack behind the interface of a file that notes how much is asked for at once; and what the page says of its progress.
STREAM = """async ([encoded]) => {
    const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0)), sizes = [], shares = [];
    const file = { size: bytes.length, slice: (start, end) => (sizes.push(end - start), { arrayBuffer: async () => bytes.slice(start, end).buffer }) };
    const { ok } = await window.laizuoVerifier.checkPack(file, (share) => shares.push(share));
    return { ok, most: Math.max(...sizes), shares };
}"""
FILM_MB, PIECE = 10, 4 << 20


@pytest.fixture(scope="module")
def long_pack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """With a film that is not read at once."""
    folder = tmp_path_factory.mktemp("long")
    film = SealedWriter(folder / "film", KEY, "video/webm")
    film.write(bytes(FILM_MB << 20))
    film.finish()
    target = io.BytesIO()
    journals = [JournalSource("r1", (record_journal(folder / "journal", 1.0),), KEY)]
    films = [FilmSource(folder / "film", "a.webm", KEY, {"seat": "a"})]
    write_pack(target, journals, films, {"site": "x"}, made_at="2026-09-21T14:14:00+00:00")
    return target.getvalue()


async def test_a_long_film_is_read_in_pieces_and_the_page_says_how_far_it_is(page: Page, long_pack: bytes) -> None:
    found = await page.evaluate(STREAM, [base64.b64encode(long_pack).decode()])

    assert found["ok"]
    assert found["most"] == PIECE
    assert found["shares"] == sorted(found["shares"])
    assert len([share for share in found["shares"] if 0.1 < share < 0.95]) >= FILM_MB // 4


async def test_bytes_that_are_no_pack_are_told(page: Page) -> None:
    for junk in (b"", b"PK\x03\x04", b"x" * 1000):
        assert not (await checked(page, junk))["ok"]


async def test_the_page_asks_nobody(page: Page) -> None:
    policy = await page.get_attribute('meta[http-equiv="Content-Security-Policy"]', "content")

    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
