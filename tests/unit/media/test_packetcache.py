from __future__ import annotations

import pytest

from media.core.packetcache import ANY_AGE, PacketCache


def test_gives_back_what_was_stored() -> None:
    cache = PacketCache(8)
    for ext in (65534, 65535, 65536, 65538):
        cache.store(ext, b"%d" % ext, 1.0)

    assert [cache.get(ext, 1.5) for ext in range(65533, 65540)] == [
        None, b"65534", b"65535", b"65536", None, b"65538", None,
    ]  # fmt: skip


def test_a_ring_later_the_old_packet_is_gone() -> None:
    cache = PacketCache(4)
    for ext in range(10, 15):
        cache.store(ext, b"%d" % ext, 1.0)

    assert cache.get(10, 1.0) is None
    assert cache.get(14, 1.0) == b"14"


def test_a_late_packet_does_not_push_out_a_newer_one() -> None:
    cache = PacketCache(4)
    cache.store(14, b"new", 1.0)
    cache.store(10, b"old", 1.0)

    assert cache.get(14, 1.0) == b"new"
    assert cache.get(10, 1.0) is None


def test_age_ends_a_packet() -> None:
    cache = PacketCache(4, max_age_s=1.0)
    cache.store(10, b"x", 5.0)

    assert cache.get(10, 6.0) == b"x"
    assert cache.get(10, 6.01) is None


def test_forget_frees_the_old_and_keeps_the_young() -> None:
    cache = PacketCache(16, max_age_s=1.0)
    for i, ext in enumerate(range(100, 110)):
        cache.store(ext, bytes(100), i * 0.25)
    assert cache.bytes_held == 1000

    cache.forget(2.3)

    assert cache.bytes_held == 400
    assert [ext for ext in range(100, 110) if cache.get(ext, 0.0)] == [106, 107, 108, 109]


def test_who_goes_on_sending_pushes_the_old_out() -> None:
    """Between two rounds of `forget` a publisher sends as much again."""
    cache = PacketCache(512, max_age_s=1.0)
    for number in range(450):
        cache.store(1000 + number, bytes(100), number / 150)

    assert cache.bytes_held <= (150 + 32) * 100
    assert all(cache.get(1000 + number, 449 / 150) for number in range(300, 450))


def test_forget_reaches_a_late_packet_below_what_was_forgotten() -> None:
    cache = PacketCache(16, max_age_s=1.0)
    for ext in (100, 102, 103):
        cache.store(ext, bytes(100), 0.0)
    cache.forget(2.0)
    cache.store(101, bytes(100), 2.0)
    cache.store(104, bytes(100), 4.0)

    cache.forget(4.0)

    assert cache.bytes_held == 100


def test_forget_after_a_jump_over_many_rings() -> None:
    cache = PacketCache(4, max_age_s=1.0)
    for ext in (1, 2, 3, 1_000_000):
        cache.store(ext, bytes(10), 0.0)

    cache.forget(5.0)

    assert cache.bytes_held == 10
    assert [ext for ext in (1, 2, 3, 1_000_000) if cache.get(ext, ANY_AGE)] == [1_000_000]


@pytest.mark.parametrize("packets", [0, -4, 3, 100])
def test_ring_size_is_a_power_of_two(packets: int) -> None:
    with pytest.raises(ValueError, match=f"^packets: {packets} is not a power of two$"):
        PacketCache(packets)


def test_forget_finds_a_packet_whose_successor_in_the_ring_was_lost() -> None:
    cache = PacketCache(64, max_age_s=1.0)
    cache.store(0, b"x", 0.0)
    cache.store(65, b"y", 0.0)

    cache.forget(2.0)

    assert cache.bytes_held == len(b"y")


def test_the_newest_stays_whatever_its_age() -> None:
    cache = PacketCache(16, max_age_s=1.0)
    for ext in (100, 102, 101):
        cache.store(ext, b"%d" % ext, 5.0)

    cache.forget(60.0)

    assert cache.get(102, 60.0) is None
    assert [cache.get(ext, ANY_AGE) for ext in (100, 101, 102)] == [None, None, b"102"]
