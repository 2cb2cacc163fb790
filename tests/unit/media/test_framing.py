"""RFC 4571 framing: whatever the pieces, the same packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.net.framing import BadFrame, Unframer, framed

packets = st.lists(st.binary(max_size=40), max_size=6)


@given(packets, st.lists(st.integers(1, 9), min_size=1))
def test_any_cut_of_the_stream_gives_the_same_packets(sent: list[bytes], steps: list[int]) -> None:
    stream = b"".join(map(framed, sent))
    unframer, taken, at, step = Unframer(1500), list[bytes](), 0, 0
    while at < len(stream):
        taken += unframer.receive(stream[at : at + steps[step % len(steps)]])
        at += steps[step % len(steps)]
        step += 1

    assert taken == [packet for packet in sent if packet]


def test_a_packet_longer_than_any_of_ours_is_refused_before_it_came() -> None:
    assert Unframer(1500).receive(framed(bytes(1500))) == [bytes(1500)]
    with pytest.raises(BadFrame):
        Unframer(1500).receive((1501).to_bytes(2, "big"))
