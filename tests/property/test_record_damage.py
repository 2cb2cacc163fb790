"""Whatever is done to a journal or a pack, the reader finds it, says where, and raises nothing."""

from __future__ import annotations

import io
import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.depacketize import FrameBuilder, Packet
from media.record.film import make_films
from media.record.films.spec import Spec
from media.record.packs.check import check_bytes
from media.record.packs.write import FilmSource, JournalSource, write_pack
from media.record.reader import BlockSeen, Damage, Segment, SessionKeys, examine
from tests.support.synthetic_session import KEY, Person, record


@cache
def recorded() -> bytes:
    """The segment of a three-second session."""
    with TemporaryDirectory() as directory:
        record(Path(directory), [Person("a", "VP8", leaves=3.0)], 3.0)
        return (Path(directory) / "journal-000000.lzj").read_bytes()


@cache
def packed() -> bytes:
    """A whole pack of that session."""
    with TemporaryDirectory() as directory:
        top = Path(directory)
        (top / "journal").mkdir()
        (top / "journal/journal-000000.lzj").write_bytes(recorded())
        made = make_films(Spec((top / "journal",), KEY, top / "films", kinds=("person",)), lambda *_: None)
        films = [
            FilmSource(top / "films" / film["file"], film["file"].removesuffix(".sealed"), KEY, film)
            for film in made["films"]
        ]
        target = io.BytesIO()
        write_pack(
            target, [JournalSource("r1", (top / "journal",), KEY)], films, {"site": "x"}, made_at="2026-11-21T00:00:00Z"
        )
        return target.getvalue()


def seen_in(*parts: bytes) -> list[object]:
    segments = [Segment(f"journal-{number:06d}.lzj", memoryview(part)) for number, part in enumerate(parts)]
    return list(examine(segments))


def damages_in(*parts: bytes) -> list[Damage]:
    return [item for item in seen_in(*parts) if isinstance(item, Damage)]


@cache
def spans() -> list[tuple[int, int, int]]:
    """(block, start, end) of each block in the recorded segment."""
    blocks = [seen for seen in seen_in(recorded()) if isinstance(seen, BlockSeen)]
    ends = [seen.body + seen.block.body_bytes for seen in blocks]
    starts = [recorded().find(b"LZB1"), *ends[:-1]]
    return [(seen.block.number, start, end) for seen, start, end in zip(blocks, starts, ends, strict=True)]


def test_a_whole_journal_and_a_whole_pack_have_no_damage() -> None:
    assert damages_in(recorded()) == []
    assert check_bytes(memoryview(packed())).damages == []
    assert len(spans()) >= 8


@given(st.data())
def test_a_flipped_bit_in_a_block_is_found_in_that_block(data: st.DataObject) -> None:
    block, start, end = data.draw(st.sampled_from(spans()[:-1]))
    at, bit = data.draw(st.integers(start, end - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(recorded())
    changed[at] ^= 1 << bit

    damages = damages_in(bytes(changed))

    assert damages
    assert abs((damages[0].block or 0) - block) <= 1
    assert damages[0].second is not None
    assert abs(damages[0].second - 0.4 * block) <= 1.0


@given(st.data())
def test_a_block_left_out_doubled_or_swapped_is_found_at_its_place(data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.lists(st.integers(0, len(spans()) - 2), min_size=2, max_size=2, unique=True)))
    cut = [recorded()[start:end] for _, start, end in spans()]
    head = recorded()[: spans()[0][1]]
    done = {
        "left out": cut[:first] + cut[first + 1 :],
        "doubled": cut[: first + 1] + cut[first:],
        "swapped": [*cut[:first], cut[second], *cut[first + 1 : second], cut[first], *cut[second + 1 :]],
    }[data.draw(st.sampled_from(["left out", "doubled", "swapped"]))]

    damages = damages_in(head + b"".join(done))

    assert damages
    assert (damages[0].block or 0) in (first, first + 1, second)


@given(st.integers(0, len(recorded())))
def test_a_journal_cut_off_anywhere_is_read_up_to_there(at: int) -> None:
    whole_blocks = sum(1 for _, _, end in spans() if end <= at)

    read = [item for item in seen_in(recorded()[:at]) if isinstance(item, BlockSeen)]

    assert len(read) == whole_blocks


@given(st.integers(0, 2**32))
def test_any_flipped_bit_of_a_pack_is_found(seed: int) -> None:
    dice = random.Random(seed)
    changed = bytearray(packed())
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)

    assert check_bytes(memoryview(bytes(changed))).damages


@given(st.integers(0, 2**32))
def test_a_pack_cut_off_or_with_bytes_moved_is_found(seed: int) -> None:
    dice = random.Random(seed)
    whole = packed()
    start, end = sorted(dice.sample(range(len(whole)), 2))
    to = dice.randrange(len(whole) - (end - start))
    rest = whole[:start] + whole[end:]
    for changed in (rest, rest[:to] + whole[start:end] + rest[to:], whole[:end], whole + whole[:start]):
        assert changed == whole or check_bytes(memoryview(changed)).damages


@given(st.binary(max_size=400))
def test_bytes_that_are_no_journal_are_damage(junk: bytes) -> None:
    assert damages_in(junk)
    assert damages_in(b"LZJ1" + junk)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.binary(max_size=60), st.booleans()), max_size=30),
    st.sampled_from(["VP8", "H264"]),
)
def test_no_payload_breaks_the_frame_builder(packets: list[tuple[int, bytes, bool]], codec: str) -> None:
    builder, seq = FrameBuilder(codec), 0
    for step, payload, marker in packets:
        seq += step
        for item in builder.add(Packet(seq, seq // 3, marker, payload)):
            assert item.ts <= seq // 3


@pytest.mark.parametrize("wrong", [bytes(32), KEY[::-1]])
def test_a_wrong_key_opens_nothing(wrong: bytes) -> None:
    blocks = [seen for seen in seen_in(recorded()) if isinstance(seen, BlockSeen)]

    assert SessionKeys(wrong).chunk_key(blocks[0].segment, 0, 0) is None
