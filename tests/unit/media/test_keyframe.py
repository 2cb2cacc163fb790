from __future__ import annotations

import pytest

from media.core.keyframe import (
    AGAIN_RTT,
    PLI_INTERVAL_S,
    RTT_MOST_S,
    KeyFrameThrottle,
    is_av1_key_frame,
    is_h264_key_frame,
    is_vp8_key_frame,
    is_vp9_key_frame,
)


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        ("10 00", True),  # S, partition 0, P=0
        ("10 01", False),  # P=1: an inter frame
        ("00 00", False),  # in the middle of a partition
        ("11 00", False),  # partition 1
        ("30 00", True),  # non-reference bit does not matter
        ("90 80 11 00", True),  # picture id, 7 bits
        ("90 80 91 22 00", True),  # picture id, 15 bits
        ("90 80 91 22 01", False),
        ("90 e0 91 22 05 60 00", True),  # picture id, tl0picidx, tid
        ("90 f0 91 22 05 60 01", False),
        ("90 40 05 00", True),  # tl0picidx alone
        ("90 10 60 00", True),  # keyidx alone
        ("90 00 00", True),  # extension byte with nothing set
        ("", False),
        ("10", False),
        ("90", False),
        ("90 80", False),
        ("90 80 91", False),
        ("90 e0 91 22 05", False),
    ],
)
def test_vp8(payload: str, is_key: bool) -> None:
    packet = bytes(12) + bytes.fromhex(payload)

    assert is_vp8_key_frame(packet, 12, len(packet)) is is_key


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        ("08 82", True),  # the start of a picture that refers to none
        ("48 82", False),  # it refers to one before it
        ("00 82", False),  # not its start
        ("0c 82", True),  # start and end in one packet
        ("88 11 82", True),  # picture id, 7 bits
        ("88 91 22 82", True),  # picture id, 15 bits
        ("8a 91 22 00 82", True),  # with a scalability structure behind it
        ("a8 91 22 00 05 82", True),  # layers, TL0PICIDX
        ("b8 91 22 10 82", True),  # layers in flexible mode: no TL0PICIDX
        ("a8 91 22 02 05 82", False),  # spatial layer 1
        ("a8 91 22 01 05 82", False),  # refers to the layer below
        ("e8 91 22 00 05 82", False),
        ("", False),
        ("08", False),
        ("88", False),
        ("88 11", False),
        ("88 91", False),
        ("88 91 22", False),
        ("a8 91 22 00", False),
        ("a8 91 22 00 05", False),
        ("b8 91 22 10", False),
    ],
)
def test_vp9(payload: str, is_key: bool) -> None:
    packet = bytes(12) + bytes.fromhex(payload)

    assert is_vp9_key_frame(packet, 12, len(packet)) is is_key


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        ("18 0a 0b", True),  # N, one unit: a sequence header
        ("28 0a 0b", True),  # N, two units
        ("68 0a 0b", True),  # N, the last unit goes on in the next packet
        ("10 32 00", False),  # a picture within a sequence
        ("90 32 00", False),  # the rest of a unit
        ("98 32 00", False),  # N may not stand there
        ("", False),
        ("18", False),
    ],
)
def test_av1(payload: str, is_key: bool) -> None:
    packet = bytes(12) + bytes.fromhex(payload)

    assert is_av1_key_frame(packet, 12, len(packet)) is is_key


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        ("67 42", True),  # SPS
        ("65 88", True),  # IDR
        ("68 ce", False),  # PPS
        ("41 9a", False),  # non-IDR slice
        ("7c 85", True),  # FU-A, start of an IDR
        ("7c 05", False),  # FU-A, middle of an IDR
        ("7c 45", False),  # FU-A, end
        ("7c 81", False),  # FU-A, start of a non-IDR slice
        ("78 00 02 67 42 00 02 68 ce", True),  # STAP-A: SPS, PPS
        ("78 00 02 68 ce 00 02 65 88", True),  # the second unit counts too
        ("78 00 02 68 ce 00 02 41 9a", False),
        ("78 00 00 00 00 00 00", False),  # empty units end
        ("78 ff ff 68", False),
        ("78", False),
        ("7c", False),
        ("", False),
    ],
)
def test_h264(payload: str, is_key: bool) -> None:
    packet = bytes(12) + bytes.fromhex(payload)

    assert is_h264_key_frame(packet, 12, len(packet)) is is_key


def test_bytes_behind_the_end_do_not_count() -> None:
    assert not is_vp8_key_frame(bytes.fromhex("10 00"), 0, 1)
    assert not is_h264_key_frame(bytes.fromhex("78 00 02 67 42"), 0, 3)


def test_requests_are_throttled_and_none_is_lost() -> None:
    throttle = KeyFrameThrottle()

    sent = [throttle.ask(10.0), throttle.ask(10.1), throttle.ask(10.9), throttle.due(10.0 + PLI_INTERVAL_S)]

    assert sent == [True, False, False, True]
    assert throttle.requests == 2


def test_who_has_seen_nothing_yet_is_asked_for_again_soon_but_not_for_ever() -> None:
    throttle = KeyFrameThrottle()
    throttle.ask(10.0, first_picture=True)

    soon = [throttle.due(at) for at in (10.25, 10.5, 10.75, 11.0, 11.25, 11.5)]
    later = [throttle.due(at) for at in (12.0, 12.5, 13.0, 13.5)]

    assert soon == [False, True, False, True, False, True]
    assert later == [False, True, False, True]
    throttle.arrived()
    assert [throttle.ask(20.0), throttle.due(20.5), throttle.due(21.0)] == [True, False, True]


def test_nobody_is_asked_again_before_he_can_have_answered() -> None:
    throttle = KeyFrameThrottle()
    throttle.measure_rtt(2.0)
    throttle.ask(10.0)

    assert [throttle.ask(11.5, first_picture=True), throttle.due(12.4), throttle.due(12.5)] == [False, False, True]
    throttle.measure_rtt(60.0)
    assert throttle.due(12.5 + RTT_MOST_S * AGAIN_RTT), "a wrong figure holds it up for ever"


def test_nothing_is_due_once_the_key_frame_came() -> None:
    throttle = KeyFrameThrottle()
    throttle.ask(10.0)
    throttle.arrived()

    assert not throttle.due(20.0)
    assert throttle.ask(20.0)
