from __future__ import annotations

import pytest

from media.core.slots import Occupant, Slot, assign_slots, make_slots, occupants, shown_source


def face(seat: str) -> Occupant:
    return Occupant(seat, "face")


def who(slots: tuple[Slot, ...]) -> list[str | None]:
    return [None if s.occupant is None else f"{s.occupant.seat}.{s.occupant.source}" for s in slots]


def test_voice_and_face_of_a_seat_are_one_occupant() -> None:
    streams = [("b", "voice"), ("c", "face"), ("b", "face"), ("b", "document"), ("c", "voice")]

    assert occupants(streams) == [face("b"), face("c"), Occupant("b", "document")]


@pytest.mark.parametrize(
    ("audio", "video", "present", "expected", "short"),
    [
        (3, 3, ["b", "c"], ["b.face", "c.face", None], 0),
        (2, 2, ["b", "c", "d", "e"], ["b.face", "c.face"], 2),
        (1, 2, ["b", "b.document"], ["b.face", "b.document"], 0),
        (1, 2, ["b.document", "c"], ["c.face", "b.document"], 0),  # the document leaves the whole slot to the person
        (2, 2, ["b.screen", "c"], ["c.face", "b.screen"], 0),  # persons first
        (1, 2, ["b.document", "b.screen"], ["b.screen", "b.document"], 0),
        (0, 2, ["b", "b.document"], ["b.document", None], 1),  # a person is not seated where he cannot be heard
        (2, 1, ["b", "c", "c.document"], ["b.face", "c.face"], 1),  # no video half left
        (0, 0, ["b"], [], 1),
    ],
)
def test_first_seating(audio: int, video: int, present: list[str], expected: list[str | None], short: int) -> None:
    people = [Occupant(p.partition(".")[0], p.partition(".")[2] or "face") for p in present]

    result = assign_slots(make_slots(audio, video), people)

    assert (who(result.slots), result.short) == (expected, short)


def test_nobody_jumps_when_another_leaves() -> None:
    first = assign_slots(make_slots(3, 3), [face("b"), face("c"), face("d")]).slots

    second = assign_slots(first, [face("c"), face("d")]).slots

    assert who(second) == [None, "c.face", "d.face"]


def test_the_slot_that_was_free_longest_goes_first() -> None:
    table = assign_slots(make_slots(3, 3), [face("b"), face("c"), face("d")]).slots
    table = assign_slots(table, [face("b"), face("d")]).slots  # c leaves, then b
    table = assign_slots(table, [face("d")]).slots

    table = assign_slots(table, [face("d"), face("e"), face("f")]).slots

    assert who(table) == ["f.face", "e.face", "d.face"]


def test_who_was_short_is_seated_when_a_slot_comes_free() -> None:
    first = assign_slots(make_slots(1, 1), [face("b"), face("c")])

    second = assign_slots(first.slots, [face("c")])

    assert (first.short, who(second.slots), second.short) == (1, ["c.face"], 0)


def test_new_lines_add_slots_and_move_nobody() -> None:
    table = assign_slots(make_slots(1, 1), [face("b"), face("c")]).slots

    result = assign_slots(make_slots(2, 2, table), [face("b"), face("c")])

    assert who(result.slots) == ["b.face", "c.face"]


def test_a_slot_taken_away_seats_its_person_anew() -> None:
    table = assign_slots(make_slots(2, 2), [face("b"), face("c")]).slots
    table = assign_slots(table, [face("c")]).slots

    result = assign_slots(make_slots(1, 1, table), [face("c")])

    assert (who(result.slots), result.short) == (["c.face"], 0)


@pytest.mark.parametrize(
    ("occupant", "sources", "shown"),
    [
        (face("b"), ["voice", "face"], "face"),
        (face("b"), ["voice"], "voice"),
        (face("b"), ["face"], "face"),
        (Occupant("b", "document"), ["voice", "document"], "document"),
    ],
)
def test_what_the_event_says(occupant: Occupant, sources: list[str], shown: str) -> None:
    assert shown_source(occupant, sources) == shown
