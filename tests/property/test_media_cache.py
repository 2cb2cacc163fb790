"""The cache never invents a packet: what it gives was stored under that number, and is neither old nor changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.core.packetcache import PacketCache

stores = st.tuples(st.integers(0, 200), st.floats(0, 0.5))


@given(st.lists(st.tuples(stores, st.booleans()), max_size=200), st.sampled_from([1, 4, 32]))
def test_nothing_out_of_nothing(steps: list[tuple[tuple[int, float], bool]], size: int) -> None:
    cache = PacketCache(size, max_age_s=1.0)
    stored: dict[int, tuple[bytes, float]] = {}
    now = 0.0
    for serial, ((ext, pause), forget) in enumerate(steps):
        now += pause
        if forget:
            cache.forget(now)
        packet = b"%d/%d" % (ext, serial)
        cache.store(ext, packet, now)
        if cache.get(ext, now) == packet:
            stored[ext] = (packet, now)

        for number in range(201):
            got = cache.get(number, now)
            if got is not None:
                assert (got, number in stored) == (stored[number][0], True)
                assert now - stored[number][1] <= 1.0

    held = sum(len(packet) for packet in cache._packets)
    assert cache.bytes_held == held


@given(st.lists(st.integers(0, 300), max_size=100))
def test_everything_old_but_the_newest_is_freed(exts: list[int]) -> None:
    cache = PacketCache(64, max_age_s=1.0)
    for ext in exts:
        cache.store(ext, b"x" * 10, 0.0)

    cache.forget(2.0)

    assert cache.bytes_held == (10 if exts else 0)
