"""Who speaks, on a virtual clock: levels as browsers write them, five looks a second."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest

from media.core.rtp import SILENCE
from media.core.speaking import LOOK_S, LOUD_ENOUGH, MEMORY_S, Speech

SPEECH, QUIET = 20, 68


def talk(chance: random.Random, seconds: float) -> Iterator[int]:
    """Words of a third of a second to a second, pauses in between, and now and then one for breath."""
    left = seconds / LOOK_S
    while left > 0:
        for _ in range(chance.randint(2, 5)):
            yield chance.randint(SPEECH - 8, SPEECH + 12)
        pause = chance.choice([0, 1, 1, 2, 4])
        for _ in range(pause):
            yield chance.randint(QUIET - 8, QUIET + 20)
        left -= 4 + pause


def hum(chance: random.Random, seconds: float, level: int = QUIET) -> Iterator[int]:
    return (chance.randint(level, level + 4) for _ in range(int(seconds / LOOK_S)))


class Voice:
    """One person's speech, and what it said at each look."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.speech = Speech(self.now)

    def hear(self, levels: Iterable[int]) -> list[bool]:
        said = []
        for level in levels:
            self.now += LOOK_S
            assert self.speech.is_due(self.now + 1e-9)
            said.append(self.speech.note(level, self.now))
        return said


def turns(said: list[bool]) -> int:
    return sum(a != b for a, b in pairwise(said))


@pytest.mark.parametrize("seed", range(20))
def test_silence_and_a_quiet_room_are_nobody_speaking(seed: int) -> None:
    voice = Voice()

    assert not any(voice.hear([SILENCE] * 100))
    assert not any(voice.hear(hum(random.Random(seed), 60)))


@pytest.mark.parametrize("seed", range(20))
def test_somebody_who_talks_is_marked_soon_and_without_flicker(seed: int) -> None:
    voice = Voice()
    said = voice.hear(talk(random.Random(seed), 60))

    assert True in said[:10]
    assert all(said[said.index(True) :])


@pytest.mark.parametrize("seed", range(20))
def test_the_mark_ends_within_the_memory_and_not_before_a_breath(seed: int) -> None:
    voice = Voice()
    chance = random.Random(seed)
    voice.hear(talk(chance, 20))
    voice.hear([SPEECH] * 5)
    after = voice.hear(hum(chance, 3))

    assert all(after[:5])
    assert not any(after[round(MEMORY_S / LOOK_S) :])
    assert turns(after) == 1


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_one_cough_is_no_speech(looks: int) -> None:
    voice = Voice()
    chance = random.Random(looks)

    said = voice.hear([*hum(chance, 5), *[8] * looks, *hum(chance, 5), *[8] * looks, *hum(chance, 5)])

    assert not any(said)


@pytest.mark.parametrize("seed", range(20))
def test_two_may_speak_at_once_and_each_is_judged_by_himself(seed: int) -> None:
    chance = random.Random(seed)
    one, other, third = Voice(), Voice(), Voice()
    both = [one.hear(talk(chance, 10))[-1], other.hear(talk(chance, 10))[-1], third.hear(hum(chance, 10))[-1]]

    assert both == [True, True, False]


def test_muted_is_silent_at_once_and_begins_anew() -> None:
    voice = Voice()
    assert voice.hear([SPEECH] * LOUD_ENOUGH)[-1]
    voice.speech.hush()

    assert not voice.speech.speaks
    assert voice.hear([SPEECH] * LOUD_ENOUGH) == [False] * (LOUD_ENOUGH - 1) + [True]


def test_a_line_that_brings_nothing_any_more_ends_it() -> None:
    voice = Voice()
    voice.hear([SPEECH] * 20)

    assert not any(voice.hear([SILENCE] * 20)[round(MEMORY_S / LOOK_S) :])
    assert voice.speech.spoke_at < voice.now - 1


@pytest.mark.parametrize("level", [44, 40, 36])
def test_a_fan_is_believed_to_be_the_surroundings_and_speech_above_it_is_still_heard(level: int) -> None:
    voice = Voice()
    chance = random.Random(level)
    voice.hear(hum(chance, 40, level))

    assert not any(voice.hear(hum(chance, 60, level)))
    assert voice.hear(level - 20 if number % 4 else level for number in range(40))[-1]


def test_short_beeps_twice_a_second_count() -> None:
    """What the fake microphone of Chromium sends."""
    voice = Voice()
    said = voice.hear(18 if number % 5 in (0, 2) else SILENCE for number in range(100))

    assert all(said[said.index(True) :])
    assert said.index(True) < 15
