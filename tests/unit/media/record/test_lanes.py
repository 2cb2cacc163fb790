"""SM3 of several chunks at once: the standard's digests, in each way that this machine has, and what stands in for it."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from media.forward import choose
from media.forward.build import INSTALL, LANES, compile_into, find_compiler
from media.forward.choose import choose_lanes
from media.forward.native_memory import NativeUnusable
from media.record import lanes
from media.record.lanes import Lanes, LanesUnusable, check_lanes, one_by_one, sm3_of_all
from tests.support.native import folder

# GB/T 32905-2016, appendix A.1 and A.2.
VECTORS = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.fixture(scope="module")
def library() -> Path:
    compiler = find_compiler()
    if compiler is None:
        pytest.fail(INSTALL)
    return compile_into(folder(), compiler, sources=LANES)


def every_way(library: Path) -> list[Lanes]:
    try:
        ways = Lanes(library).ways
    except LanesUnusable as reason:
        pytest.skip(f"did not run: {reason}")
    return [Lanes(library, way) for way in range(ways)]


@pytest.fixture(autouse=True)
def chosen_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_CHOSEN", [one_by_one])


def test_it_is_the_sm3_of_the_standard(library: Path) -> None:
    for way in every_way(library):
        assert [digest.hex() for digest in way.digests(list(VECTORS))] == list(VECTORS.values())


def test_every_length_around_the_borders_of_blocks(library: Path) -> None:
    messages = [bytes([length & 0xFF]) * length for length in range(260)]
    for way in every_way(library):
        assert way.digests(messages) == one_by_one(messages)
        check_lanes(way)


@pytest.mark.parametrize("lengths", [(), (0,), (0, 0, 0), (70_000, 1, 70_001, 64), tuple(range(1, 40_000, 2_000))])
def test_any_number_of_messages_of_any_lengths(lengths: tuple[int, ...], library: Path) -> None:
    messages = [bytes(index + at & 0xFF for at in range(length)) for index, length in enumerate(lengths)]
    for way in every_way(library):
        assert way.digests(messages) == one_by_one(messages) == way.where_worth_it(messages)


def test_a_wrong_digest_is_not_used(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    way = every_way(library)[0]
    monkeypatch.setattr(lanes, "one_by_one", lambda messages: [bytes(32) for _ in messages])

    with pytest.raises(LanesUnusable, match="another SM3 of"):
        check_lanes(way)


def test_without_a_compiler_it_goes_on_one_by_one_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_library(*_: object) -> Path:
        raise NativeUnusable(INSTALL)

    monkeypatch.setattr(choose, "ready_library", no_library)
    with caplog.at_level(logging.WARNING):
        choose_lanes(tmp_path)

    assert INSTALL in caplog.text
    assert sm3_of_all([b"abc"]) == [bytes.fromhex(VECTORS[b"abc"])]


def test_what_was_chosen_hashes_the_journals(library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    every_way(library)
    monkeypatch.setattr(choose, "ready_library", lambda *_: library)
    choose_lanes(tmp_path)

    assert lanes._CHOSEN[0] is not one_by_one
    assert [digest.hex() for digest in sm3_of_all(list(VECTORS))] == list(VECTORS.values())


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.so").write_bytes(b"no library")

    with pytest.raises(LanesUnusable, match=r"no\.so does not load"):
        Lanes(tmp_path / "no.so")


def test_a_journal_needs_nothing_of_the_packet_path() -> None:
    """It is written, read and verified where no library for packets is installed."""
    program = "import sys; from media.record import journal, reader; print([m for m in sys.modules if m.startswith(('media.forward', 'pylibsrtp'))])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
