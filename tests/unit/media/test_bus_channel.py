"""A control connection over the bus: what is lost, comes twice or comes late ends it."""

from __future__ import annotations

import pytest

from media.control.bus import address
from media.control.channel import END, Broken, Counting


def test_what_one_end_packs_the_other_unpacks_in_order() -> None:
    one, other = Counting(), Counting()

    assert [other.unpack(one.pack(body)) for body in (b"a", b"", b"c" * 70_000)] == [b"a", b"", b"c" * 70_000]
    assert one.unpack(other.pack(b"back")) == b"back"


def test_a_lost_a_repeated_and_a_late_message_end_it() -> None:
    first, second, third = (packed for one in [Counting()] for packed in map(one.pack, (b"1", b"2", b"3")))

    for arriving in ((second,), (first, third), (first, first), (first, second, first)):
        other = Counting()
        *right, wrong = arriving
        for message in right:
            other.unpack(message)
        with pytest.raises(Broken, match="in place of"):
            other.unpack(wrong)


@pytest.mark.parametrize("message", [END, b"x", b"abc"])
def test_what_is_no_message_ends_it(message: bytes) -> None:
    with pytest.raises(Broken):
        Counting().unpack(message)


def test_everybody_has_a_subject_of_his_own() -> None:
    assert address("w0-b1946ac9", "control") == "laizuo.to.w0-b1946ac9.control"
