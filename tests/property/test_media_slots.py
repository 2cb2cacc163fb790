"""Slots: nobody jumps, nobody sits twice, and who finds none is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.core.slots import EXTRA_PICTURES, Occupant, assign_slots, make_slots

people = st.builds(Occupant, st.sampled_from("abcdefg"), st.sampled_from(["face", "document", "screen"]))
crowds = st.lists(people, max_size=10, unique=True)


@given(st.integers(0, 6), st.integers(0, 6), st.lists(crowds, max_size=12))
def test_seating(audio: int, video: int, history: list[list[Occupant]]) -> None:
    slots = make_slots(audio, video)
    for present in history:
        before = {slot.occupant: slot.index for slot in slots if slot.occupant is not None}

        slots, short = (result := assign_slots(slots, present)).slots, result.short

        seated = {slot.occupant: slot.index for slot in slots if slot.occupant is not None}
        assert len(seated) == sum(slot.occupant is not None for slot in slots)  # nobody twice
        assert set(seated) <= set(present)
        assert short == len(present) - len(seated)
        assert {who: at for who, at in before.items() if who in seated} == {
            who: at for who, at in seated.items() if who in before
        }
        assert set(before) & set(present) <= set(seated)  # who sat keeps sitting
        for slot in slots:
            if slot.occupant is not None:
                assert slot.video if slot.occupant.source in EXTRA_PICTURES else slot.audio
        waiting = [who for who in present if who not in seated]
        free = [slot for slot in slots if slot.occupant is None]
        assert not any(s.audio and s.video for s in free) or not waiting
        assert assign_slots(slots, present) == result  # the same again changes nothing
