"""`bench tamper` in small: every damage is found and located by both checkers; and its own eye is not blind."""

from __future__ import annotations

import base64
import json

import pytest

from media.record.packs.check import check_bytes
from media.record.reader import Damage
from server.bench import main
from server.bench.sample_pack import make_pack
from server.bench.tamper import Numbers, differ, plan, tamper
from server.bench.tamper_kinds import JOURNAL, KINDS, Tampered, Tamperer, is_located
from server.bench.tamper_page import patch_of
from server.testing.browsers import find_chromium


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_pack(tmp_path_factory.mktemp("pack"), 8.0)


@pytest.mark.parametrize("seed", range(3))
def test_every_damage_is_found_and_located(pack: bytes, seed: int) -> None:
    out = tamper(pack, plan(flips=150, others=15), seed, progress=lambda _: None)

    assert out.verify.missed == []
    assert out.verify.lost == []
    assert out.done == out.verify.found == out.verify.located
    assert out.done.total() == 150 + 4 * 15


def test_the_page_finds_the_same(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", str(find_chromium()))

    code = main(["tamper", "--json", "--flips", "48", "--others", "12", "--seconds", "4"])

    shown = capsys.readouterr()
    figures = {key: one["value"] for key, one in json.loads(shown.out)["figures"].items()}
    assert code == 0
    for kind, count in {"flip": 48, "drop": 12, "swap": 12, "truncate": 12, "redate": 12}.items():
        names = [f"{kind}_done", *(f"{page}{kind}_{what}" for page in ("", "page_") for what in ("found", "located"))]
        assert {name: figures[name] for name in names} == dict.fromkeys(names, count), shown.err
    assert figures["differing"] == 0, shown.err


def test_a_slice_is_that_part_of_the_whole_run(pack: bytes) -> None:
    tamperer = Tamperer(pack, 5)
    whole = [tamperer.damaged(kind, number) for number, kind in Numbers().of(plan(6, 2))]

    sliced = [Tamperer(pack, 5).damaged(kind, number) for number, kind in Numbers(4, 5).of(plan(6, 2))]

    assert sliced == whole[3:8]
    assert len({one.data for one in whole}) == len(whole) == 6 + 2 * len(KINDS)


def test_a_patch_makes_the_changed_pack_of_the_whole_one(pack: bytes) -> None:
    tamperer = Tamperer(pack, 1)
    for number, kind in Numbers().of(plan(5, 5)):
        changed = tamperer.damaged(kind, number).data
        kept, middle, rest = patch_of(pack, changed)
        assert pack[:kept] + base64.b64decode(middle) + pack[len(pack) - rest :] == changed


def test_a_finding_somewhere_else_is_not_located() -> None:
    done = Tampered("drop", b"", JOURNAL, (10,))

    assert not is_located(done, [Damage("films/a.webm", None, None, "x")])
    assert not is_located(done, [Damage("journal-000000.lzj", 40, 16.0, "x")])
    assert not is_located(done, [Damage("journal-000000.lzj", 10, 16.0, "x")])
    assert is_located(done, [Damage("journal-000000.lzj", 11, 4.4, "x")])


def test_checkers_that_name_another_place_differ() -> None:
    here, there = Damage("a", 3, 1.2, "x"), Damage("a", 4, 1.6, "y")

    assert not differ([here], [here, Damage("a", None, None, "in other words")])
    assert differ([here], [])
    assert differ([here], [there])
    assert differ([here], [Damage("b", 3, 1.2, "x")])
    assert differ([here], [Damage("a", 3, None, "x")])


def test_the_whole_pack_is_whole(pack: bytes) -> None:
    assert check_bytes(memoryview(pack)).damages == []
