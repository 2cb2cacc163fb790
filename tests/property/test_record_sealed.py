"""A sealed file gives back what was written, wherever the muxer went meanwhile; a changed one gives nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.record.sealed import CHUNK_BYTES, HEAD_BYTES, SealedDamaged, SealedFile, SealedWriter

KEY = bytes(range(32))
# Places around the borders of chunks, up to further than a writer keeps open (64 chunks).
PLACES = st.builds(
    lambda chunk, off: max(0, chunk * CHUNK_BYTES + off), st.sampled_from([0, 1, 2, 3, 70, 71]), st.integers(-40, 40)
)
WRITES = st.lists(
    st.tuples(st.none() | PLACES, st.integers(1, 255), st.sampled_from([1, 30, 5000, 70_000, 140_000])),
    min_size=1,
    max_size=8,
)


def write(path: Path, writes: list[tuple[int | None, int, int]]) -> bytes:
    """Write and return what a plain file would hold. A place of None: go on where we are."""
    plain, at = bytearray(), 0
    writer = SealedWriter(path, KEY, "video/mp4")
    for place, value, size in writes:
        at = at if place is None else writer.seek(place)
        writer.write(bytes([value]) * size)
        plain.extend(bytes(max(0, at + size - len(plain))))
        plain[at : at + size] = bytes([value]) * size
        at += size
    assert writer.finish() == hashlib.sha256(plain).hexdigest()
    return bytes(plain)


@given(WRITES, st.data())
def test_what_was_written_is_read_back_from_any_place(
    writes: list[tuple[int | None, int, int]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        plain = write(Path(directory) / "film", writes)

        with SealedFile(Path(directory) / "film", KEY) as sealed:
            start = data.draw(st.integers(0, len(plain)))
            length = data.draw(st.integers(0, 3 * CHUNK_BYTES))
            assert b"".join(sealed.pieces()) == plain
            assert sealed.read(start, length) == plain[start : start + length]
            assert (sealed.length, sealed.content_type) == (len(plain), "video/mp4")


@given(st.data())
def test_a_changed_byte_is_found(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "film"
        write(path, [(None, 7, 3 * CHUNK_BYTES + 100)])
        raw = bytearray(path.read_bytes())
        used = HEAD_BYTES + 3 * (CHUNK_BYTES + 28) + 128
        assert len(raw) == used
        head = 8 + int.from_bytes(raw[4:8], "big")
        at = data.draw(st.one_of(st.integers(0, head - 1), st.integers(HEAD_BYTES, used - 1)))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(raw)

        with pytest.raises(SealedDamaged):
            read_whole(path)


def read_whole(path: Path) -> bytes:
    with SealedFile(path, KEY) as sealed:
        return b"".join(sealed.pieces())


@pytest.mark.parametrize("chunks", [(0, 1), (1, 2)])
def test_chunks_that_changed_places_are_found(tmp_path: Path, chunks: tuple[int, int]) -> None:
    write(tmp_path / "film", [(None, 7, 3 * CHUNK_BYTES)])
    raw = (tmp_path / "film").read_bytes()
    stride = CHUNK_BYTES + 28
    cut = [raw[HEAD_BYTES + n * stride : HEAD_BYTES + (n + 1) * stride] for n in range(3)]
    cut[chunks[0]], cut[chunks[1]] = cut[chunks[1]], cut[chunks[0]]
    (tmp_path / "film").write_bytes(raw[:HEAD_BYTES] + b"".join(cut))

    with pytest.raises(SealedDamaged, match=f"chunk {chunks[0]} "):
        read_whole(tmp_path / "film")


def test_a_film_that_was_never_finished_is_none(tmp_path: Path) -> None:
    writer = SealedWriter(tmp_path / "film", KEY, "video/mp4")
    writer.write(bytes(200_000))
    writer.close()

    with pytest.raises(SealedDamaged, match="never finished"):
        SealedFile(tmp_path / "film", KEY)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    write(tmp_path / "film", [(None, 7, 10)])

    with pytest.raises(SealedDamaged, match="another key"):
        SealedFile(tmp_path / "film", bytes(32))
