"""The access journal's chain, and who needs a second person."""

from __future__ import annotations

import datetime as dt
import json

from server.viewings.core import (
    BEGINNING,
    Entry,
    StampedHead,
    all_wrong,
    first_wrong,
    head_after,
    line_of,
    needs_second,
)

AT = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)


def journal(size: int) -> list[Entry]:
    entries, head = [], BEGINNING
    for n in range(size):
        line = line_of("s", n, AT, "film", "p", {"film": f"f{n}"})
        head = head_after(head, line)
        entries.append(Entry(line, head))
    return entries


def test_a_journal_as_written_follows() -> None:
    assert first_wrong("s", journal(0)) is None
    assert first_wrong("s", journal(5)) is None


def test_a_changed_line_is_named_and_so_is_one_that_was_left_out() -> None:
    good = journal(5)
    changed = [*good[:2], Entry(good[2].line.replace('"p"', '"q"'), good[2].head), *good[3:]]

    assert first_wrong("s", changed) == 2
    assert first_wrong("s", [*good[:3], *good[4:]]) == 3
    assert first_wrong("s", good[1:]) == 0
    assert first_wrong("another", good) == 0


def test_a_line_that_was_chained_anew_under_another_number_is_wrong() -> None:
    line = line_of("s", 7, AT, "film", "p", {})

    assert first_wrong("s", [Entry(line, head_after(BEGINNING, line))]) == 0


def test_facts_do_not_replace_what_every_entry_says() -> None:
    told = json.loads(line_of("s", 0, AT, "film", "p", {"actor": "somebody else", "kind": "x"}))

    assert (told["actor"], told["kind"]) == ("p", "film")


def test_a_reason_is_enough_for_notarization_only() -> None:
    assert not needs_second("notarization")
    assert all(needs_second(one) for one in ("mediation", "legal_aid", "legal_advice", "unheard_of"))


def test_a_head_that_was_stamped_holds_what_is_before_it() -> None:
    good = journal(4)
    stamped = {1: good[1].head, 3: good[3].head}

    assert first_wrong("s", good, stamped) is None
    assert first_wrong("s", good, {1: "0" * 64}) == 1
    assert first_wrong("s", good[:3], stamped) == 3
    assert first_wrong("s", [], {0: good[0].head}) == 0


def test_everything_wrong_is_told_with_its_entry_and_time() -> None:
    good, apart = journal(4), dt.timedelta(seconds=10)
    stamps = [StampedHead(n, one.head, AT, "clock", "kept") for n, one in enumerate(good)]

    def told(entries: list[Entry], held: list[StampedHead] = stamps) -> list[tuple[int, str]]:
        return [(one.entry, one.what.split(":")[0]) for one in all_wrong("s", entries, held, apart)]

    assert told(good) == []
    changed = [*good[:2], Entry(good[2].line.replace('"p"', '"q"'), good[2].head), good[3]]
    assert told(changed) == [(2, "its head does not follow from the entry before it and its line")]
    assert [entry for entry, _ in told(good[:3])] == [3]
    assert [entry for entry, _ in told([*good[:1], *good[2:]])] == [1, 1, 1, 2, 2, 3]
    early = [StampedHead(0, good[0].head, AT - dt.timedelta(minutes=1), "clock", "kept")]
    assert told(good, early) == [(0, "says that it was written after clock stamped at 2026-11-21 08")]
    assert [entry for entry, _ in told([Entry("no JSON", "0" * 64)], [])] == [0, 0]
