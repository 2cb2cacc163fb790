"""What must hold for every roster, whatever the rotations, leaves, licences and decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schedules.core.conflicts import check
from schedules.core.explain import Language, Words, why_this_day, why_this_person
from schedules.core.fairness import ledger, spread
from schedules.core.feeds import Place, site_feed
from schedules.core.ical import EventStatus, Feed, FeedEvent, parse, render
from schedules.core.model import (
    HolidayRule,
    Interval,
    Leave,
    MakeupRule,
    Override,
    OverrideKind,
    Person,
    PersonId,
    Plan,
    Post,
    Qualification,
    Rotation,
    RotationId,
    SiteId,
    Slot,
    Turn,
    WarningCode,
    Window,
    local,
    slot_key,
)
from schedules.core.plan import Inputs, plan
from schedules.core.release import Release, State, changes, make
from schedules.core.rotation import occurrences
from schedules.days import shipped_calendar

CALENDAR = shipped_calendar()
SITE = SiteId("site")
STAFF = [PersonId(name) for name in ("ann", "bob", "cat", "dan", "eve")]
FIRST = date(2026, 9, 14)  # the make-up Sunday, Mid-Autumn and National Day lie ahead
SPAN = 42

days = st.integers(-10, SPAN + 10).map(lambda n: FIRST + timedelta(days=n))
windows = st.tuples(st.integers(0, SPAN), st.integers(0, 27)).map(
    lambda pair: Window(FIRST + timedelta(days=pair[0]), FIRST + timedelta(days=pair[0] + pair[1]))
)
hours = st.integers(0, 23).map(time)
posts = st.sampled_from([(Post("lawyer", "lawyer"),), (Post("notary", "notary"), Post("notary_assistant"))])


@st.composite
def rotations(draw: st.DrawFn, number: int) -> Rotation:
    seats = draw(posts)
    entry = st.lists(st.sampled_from(STAFF), min_size=len(seats), max_size=len(seats), unique=True).map(tuple)
    return Rotation(
        id=RotationId(f"r{number}"),
        site=SITE,
        service=draw(st.sampled_from(["notarization", "legal_advice"])),
        title=draw(st.sampled_from(["", "远程视频值守"])),
        weekdays=draw(st.frozensets(st.integers(1, 7), min_size=1)),
        starts=draw(hours),
        ends=draw(hours),
        posts=seats,
        members=tuple(draw(st.lists(entry, max_size=5))),
        anchor=draw(days),
        turn=draw(st.sampled_from(Turn)),
        week_starts=draw(st.integers(1, 7)),
        holidays=draw(st.sampled_from(HolidayRule)),
        makeup_days=draw(st.sampled_from(MakeupRule)),
    )


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = local(draw(days), draw(hours))
    return Interval(start, start + timedelta(hours=draw(st.integers(1, 200))))


@st.composite
def people(draw: st.DrawFn, name: PersonId) -> Person:
    codes = draw(st.sets(st.sampled_from(["lawyer", "notary"])))
    valid = [Window(draw(days), draw(days)) if draw(st.booleans()) else Window(date.min, date.max) for _ in codes]
    held = tuple(Qualification(code, window) for code, window in zip(sorted(codes), valid, strict=True))
    return Person(name, held, Window(date.min, draw(st.sampled_from([date.max, FIRST + timedelta(days=20)]))))


@st.composite
def all_inputs(draw: st.DrawFn) -> Inputs:
    window = draw(windows)
    rules = tuple(draw(rotations(number)) for number in range(draw(st.integers(0, 3))))
    keys = [slot_key(o.rotation.id, o.day) for rule in rules for o in occurrences(rule, window, CALENDAR)]
    overrides = [
        Override(draw(st.sampled_from(keys)), kind, "", draw(st.integers(0, 1)), person)
        for kind, person in draw(
            st.lists(
                st.one_of(
                    st.tuples(st.just(OverrideKind.SUBSTITUTE), st.sampled_from(STAFF)),
                    st.just((OverrideKind.CLOSE, None)),
                ),
                max_size=4 if keys else 0,
            )
        )
    ]
    return Inputs(
        site=SITE,
        window=window,
        calendar=CALENDAR,
        rotations=rules,
        people=tuple(draw(people(name)) for name in STAFF[: draw(st.integers(3, 5))]),
        leave=tuple(Leave(draw(st.sampled_from(STAFF)), draw(intervals())) for _ in range(draw(st.integers(0, 4)))),
        overrides=tuple(overrides),
        served={name: draw(st.integers(0, 5000)) for name in STAFF},
    )


def open_slots(made: Plan) -> list[Slot]:
    return [slot for slot in made.slots if slot.closed is None]


@given(all_inputs())
def test_a_plan_covers_every_shift_or_names_the_gap(inputs: Inputs) -> None:
    made = plan(inputs)

    wanted = {slot_key(o.rotation.id, o.day) for r in inputs.rotations for o in occurrences(r, inputs.window, CALENDAR)}
    empty = {
        (slot.key, post) for slot in open_slots(made) for post, seat in enumerate(slot.seats) if seat.person is None
    }
    assert {slot.key for slot in made.slots} == wanted
    assert {(w.slot, w.post) for w in made.warnings if w.code is WarningCode.GAP} == empty
    assert all(len(slot.seats) >= 1 for slot in open_slots(made))


@given(all_inputs())
def test_a_gap_is_left_only_where_nobody_of_the_rotation_can_serve(inputs: Inputs) -> None:
    made = plan(inputs)
    rules = {rule.id: rule for rule in inputs.rotations}

    for slot in open_slots(made):
        rule = rules[RotationId(slot.key.rpartition("/")[0])]
        for post, seat in enumerate(slot.seats):
            if seat.person is None:
                asked = {passed.person for passed in seat.why.passed}
                assert asked == {entry[post] for entry in rule.members}


@given(all_inputs())
def test_nobody_is_seated_twice_at_once_on_leave_unlicensed_or_outside_of_the_team(inputs: Inputs) -> None:
    made = plan(inputs)

    duties = [(seat.person, slot, seat) for slot in open_slots(made) for seat in slot.seats if seat.person]
    for (one, first, _), (other, second, _) in combinations(duties, 2):
        assert one != other or not first.during.overlaps(second.during)
    away = {(entry.person, entry.during) for entry in inputs.leave}
    assert not any(who == person and slot.during.overlaps(during) for who, slot, _ in duties for person, during in away)
    known = {person.id: person for person in inputs.people}
    for who, slot, seat in duties:
        held = {q.code for q in known[who].qualifications if slot.day in q.valid}
        assert seat.needs is None or seat.needs in held
        assert slot.day in known[who].member


@given(all_inputs())
def test_the_checker_finds_no_hard_conflict_in_a_plan(inputs: Inputs) -> None:
    made = plan(inputs)

    found = {w.code for w in check(made.slots, inputs.people, inputs.leave, inputs.elsewhere, CALENDAR)}
    assert found <= {WarningCode.GAP, WarningCode.HOLIDAY, WarningCode.PROVISIONAL, WarningCode.LICENCE_ENDS}


@given(all_inputs())
def test_the_checker_finds_every_later_leave(inputs: Inputs) -> None:
    made = plan(inputs)
    seated = [(slot, person) for slot in open_slots(made) for person in slot.people]
    assume(seated)
    slot, person = seated[0]

    found = check(made.slots, inputs.people, [*inputs.leave, Leave(person, slot.during)], inputs.elsewhere, CALENDAR)
    assert (slot.key, WarningCode.ON_LEAVE, person) in {(w.slot, w.code, w.person) for w in found}


@given(all_inputs(), st.randoms(use_true_random=False))
def test_a_plan_is_a_function_of_its_inputs(inputs: Inputs, shuffle: object) -> None:
    """Also of inputs that come in another order: a database returns rows as it likes."""
    turned = replace(
        inputs,
        people=inputs.people[::-1],
        leave=inputs.leave[::-1],
        rotations=inputs.rotations[::-1],
        served=dict(reversed(inputs.served.items())),
    )

    assert plan(inputs) == plan(inputs) == plan(turned)


@given(all_inputs())
def test_every_assignment_says_why_in_both_languages(inputs: Inputs) -> None:
    names = {person: Words(f"人{person}", f"P-{person}") for person in STAFF}

    for slot in open_slots(plan(inputs)):
        for language in Language:
            assert why_this_day(slot, language)
            for seat in slot.seats:
                said = why_this_person(seat, names, language)
                assert seat.person is None or names[seat.person][language] in said


HOURS = 3  # of each shift below


@given(
    members=st.integers(1, 12),
    weekdays=st.frozensets(st.integers(1, 7), min_size=1),
    year=st.integers(2025, 2027),
    holidays=st.sampled_from(HolidayRule),
    makeup=st.sampled_from(MakeupRule),
    anchor=st.integers(-400, 400),
    turn=st.sampled_from(Turn),
)
@settings(max_examples=60)
def test_a_year_differs_by_at_most_one_turn_when_nobody_is_away(
    members: int,
    weekdays: frozenset[int],
    year: int,
    holidays: HolidayRule,
    makeup: MakeupRule,
    anchor: int,
    turn: Turn,
) -> None:
    """By one shift where turns are shifts, or weeks with a single one; else by one week's shifts."""
    ids = [PersonId(f"p{n}") for n in range(members)]
    rule = Rotation(
        id=RotationId("r"),
        site=SITE,
        service="legal_advice",
        title="",
        weekdays=weekdays,
        starts=time(9),
        ends=time(9 + HOURS),
        posts=(Post("lawyer"),),
        members=tuple((person,) for person in ids),
        anchor=date(2026, 6, 1) + timedelta(days=anchor),
        turn=turn,
        holidays=holidays,
        makeup_days=makeup,
    )
    window = Window(date(year, 1, 1), date(year, 12, 31))

    made = plan(Inputs(SITE, window, CALENDAR, (rule,), tuple(Person(person) for person in ids)))

    book = ledger(made.slots)
    if (
        turn is Turn.FAIR
    ):  # evens what people bear, a holiday counting three times: nobody is more than one such shift ahead
        borne = [book[person].burden if person in book else 0 for person in ids]
        assert max(borne) - min(borne) <= 3 * HOURS * 60
        return
    turns = {person: len({s.seats[0].why.turn for s in made.slots if s.seats[0].person == person}) for person in ids}
    assert max(turns.values()) - min(turns.values()) <= 1
    if turn is Turn.SHIFT:
        assert spread(book, ids) <= 1


@given(all_inputs())
def test_a_part_of_a_window_is_planned_like_the_whole(inputs: Inputs) -> None:
    """Turns do not depend on the window: who is first in line on a day is the same in any preview."""
    last_day = Window(inputs.window.last, inputs.window.last)

    whole = [(o.day, o.turn, o.position) for r in inputs.rotations for o in occurrences(r, inputs.window, CALENDAR)]
    part = [(o.day, o.turn, o.position) for r in inputs.rotations for o in occurrences(r, last_day, CALENDAR)]
    assert [entry for entry in whole if entry[0] == inputs.window.last] == part


NOW = datetime(2026, 9, 20, 2, tzinfo=UTC)
moments = st.integers(-30, 60).map(lambda n: NOW + timedelta(days=n, hours=n % 7))


@given(all_inputs(), moments, st.integers(0, 400))
def test_releasing_twice_makes_no_new_version(inputs: Inputs, now: datetime, hours_later: int) -> None:
    made = plan(inputs)
    first = make(None, made, now)

    assert make(first, made, now + timedelta(hours=hours_later)) is first
    assert changes(first, first) == ()


@given(all_inputs(), all_inputs(), moments)
def test_a_second_release_raises_exactly_what_changed(before: Inputs, after: Inputs, now: datetime) -> None:
    first = make(None, plan(before), now)
    later = now + timedelta(hours=1)

    second = make(first, plan(after), later)

    old = {entry.slot.key: entry for entry in first.slots}
    changed = {change.key for change in changes(first, second)}
    for entry in second.slots:
        was = old.get(entry.slot.key)
        if entry.slot.key not in changed:
            assert entry == was
            continue
        assert entry.changed_at == later
        assert entry.sequence == (0 if was is None else was.sequence + 1)
        assert entry.slot.during.end > later
    assert second.version - first.version == (1 if second != first else 0)
    ended = [entry for entry in first.slots if entry.slot.during.end <= later]
    assert [entry for entry in second.slots if entry.slot.during.end <= later] == ended


@given(all_inputs(), st.lists(all_inputs(), max_size=3))
def test_sequences_never_fall(first_inputs: Inputs, more: list[Inputs]) -> None:
    release: Release = make(None, plan(first_inputs), NOW)
    highest: dict[str, int] = {}
    for step, inputs in enumerate(more):
        release = make(release, plan(inputs), NOW + timedelta(hours=step))
        for entry in release.slots:
            assert entry.sequence >= highest.get(entry.slot.key, 0)
            highest[entry.slot.key] = entry.sequence


@given(all_inputs(), st.sampled_from(Language))
@settings(max_examples=50)
def test_parsing_a_rendered_roster_gives_it_back(inputs: Inputs, language: Language) -> None:
    release = make(None, plan(inputs), NOW)
    names = {person: Words(f"人{person}", f"P-{person}") for person in STAFF}
    feed = site_feed(release, Place(Words("某地", "Somewhere"), "https://example.test/"), names, language)

    raw = render(feed)

    assert parse(raw) == feed
    assert render(feed) == raw
    assert [(e.start, e.end) for e in feed.events] == [(e.slot.during.start, e.slot.during.end) for e in release.slots]
    assert all(entry.state is State.ON for entry in release.slots)


sentences = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\x85")
    | st.sampled_from("\n,;:\\\"'^䶮㛃值班"),
    max_size=120,
)
# from 1992 on: before, China had another offset
instants = st.integers(694_310_400, 4_102_444_800).map(lambda at: datetime.fromtimestamp(at, UTC))


@st.composite
def feed_events(draw: st.DrawFn) -> FeedEvent:
    start = draw(instants)
    return FeedEvent(
        uid=str(draw(st.uuids())),
        start=start,
        end=start + timedelta(minutes=draw(st.integers(1, 3000))),
        summary=draw(sentences),
        description=draw(sentences),
        location=draw(sentences),
        categories=tuple(draw(st.lists(sentences.filter(bool), max_size=3))),
        status=draw(st.sampled_from(EventStatus)),
        sequence=draw(st.integers(0, 10**6)),
        created=draw(instants),
        changed=draw(instants),
        busy=draw(st.booleans()),
    )


@given(st.builds(Feed, name=sentences, description=sentences, events=st.lists(feed_events(), max_size=3).map(tuple)))
@settings(max_examples=150)
def test_any_text_survives_a_feed(feed: Feed) -> None:
    raw = render(feed)

    assert parse(raw) == feed
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
