"""`bench tamper` in small: every damage is found and located; and its own eye is not blind."""

from __future__ import annotations

import pytest

from media.record.packs.check import check_bytes
from media.record.reader import Damage
from server.bench.sample_pack import make_pack
from server.bench.tamper import JOURNAL, Tampered, is_located, tamper


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_pack(tmp_path_factory.mktemp("pack"), 8.0)


@pytest.mark.parametrize("seed", range(3))
def test_every_damage_is_found_and_located(pack: bytes, seed: int) -> None:
    out = tamper(pack, flips=150, others=15, seed=seed, progress=lambda _: None)

    assert out.missed == []
    assert out.lost == []
    assert out.done == out.found == out.located
    assert sum(out.done.values()) == 150 + 4 * 15


def test_a_finding_somewhere_else_is_not_located() -> None:
    done = Tampered("drop", b"", JOURNAL, (10,))

    assert not is_located(done, [Damage("films/a.webm", None, None, "x")])
    assert not is_located(done, [Damage("journal-000000.lzj", 40, 16.0, "x")])
    assert not is_located(done, [Damage("journal-000000.lzj", 10, 16.0, "x")])
    assert is_located(done, [Damage("journal-000000.lzj", 11, 4.4, "x")])


def test_the_whole_pack_is_whole(pack: bytes) -> None:
    assert check_bytes(memoryview(pack)).damages == []
