"""The sequence map never uses an outgoing number twice, rises, leaves no gap of our own making, and can be inverted."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from media.core.loss import VIDEO_LOSS, LossTracker
from media.core.seqmap import LATE_MAX, NOTHING, SeqMap

# A step is: a packet of the current source that is so far ahead of (or behind) its newest; a cut; a switch to another source.
packets = st.tuples(st.just("packet"), st.one_of(st.just(1), st.integers(-40, 40), st.integers(-40000, 40000)))
cuts = st.tuples(st.just("cut"), st.just(0))
switches = st.tuples(st.just("switch"), st.integers(0, 3))
steps = st.lists(st.one_of(packets, packets, packets, packets, cuts, switches), max_size=150)


@dataclass
class Source:
    """One publisher: numbers go through a LossTracker, as in the worker."""

    newest: int
    loss: LossTracker = field(default_factory=lambda: LossTracker(VIDEO_LOSS))


@dataclass
class Run:
    """What went out: (outgoing 16-bit number, source, extended number), in order."""

    seqmap: SeqMap
    sent: list[tuple[int, int, int]] = field(default_factory=list)


def play(script: list[tuple[str, int]], first_seq: int) -> Run:
    run = Run(SeqMap(90000, first_seq, 0))
    sources = [Source(i * 20000 & 0xFFFF) for i in range(4)]
    run.seqmap.switch(0)
    now = 0.0
    for kind, value in script:
        now += 0.01
        if kind == "cut":
            run.seqmap.cut()
        elif kind == "switch":
            run.seqmap.switch(value)
        else:
            _offer(run, sources[run.seqmap.source], value, now)
    return run


def _offer(run: Run, source: Source, ahead: int, now: float) -> None:
    seq = (source.newest + ahead) & 0xFFFF
    ext = source.loss.receive(seq, now)
    source.newest = source.loss.highest & 0xFFFF
    if ext < 0:
        return
    packed = run.seqmap.forward(ext, int(now * 90000), now)
    if packed != NOTHING:
        run.sent.append((packed >> 32, run.seqmap.source, ext))


def extended(sent: list[tuple[int, int, int]], first_seq: int) -> list[int]:
    """Outgoing numbers as a receiver (SRTP, RFC 3711 §3.3.1) would extend them: nearest to the highest so far."""
    highest, out = first_seq, []
    for seq, _, _ in sent:
        number = highest + ((seq - highest + 0x8000) & 0xFFFF) - 0x8000
        highest = max(highest, number)
        out.append(number)
    return out


@given(steps, st.integers(0, 65535))
def test_no_outgoing_number_is_used_twice(script: list[tuple[str, int]], first_seq: int) -> None:
    run = play(script, first_seq)

    numbers = extended(run.sent, first_seq)

    assert len(set(numbers)) == len(numbers)


@given(steps, st.integers(0, 65535))
def test_order_within_a_source_is_kept(script: list[tuple[str, int]], first_seq: int) -> None:
    run = play(script, first_seq)

    by_source: dict[int, list[tuple[int, int]]] = {}
    for number, (_, source, ext) in zip(extended(run.sent, first_seq), run.sent, strict=True):
        by_source.setdefault(source, []).append((ext, number))

    for pairs in by_source.values():
        numbers = [number for _, number in sorted(pairs)]
        assert numbers == sorted(numbers)


@given(
    st.lists(st.one_of(cuts, switches, st.tuples(st.just("packet"), st.just(1))), max_size=150), st.integers(0, 65535)
)
def test_without_losses_the_outgoing_line_has_no_gap(script: list[tuple[str, int]], first_seq: int) -> None:
    run = play(script, first_seq)

    assert [seq for seq, _, _ in run.sent] == [(first_seq + i) & 0xFFFF for i in range(len(run.sent))]


@given(steps, st.integers(0, 65535))
def test_origin_is_what_was_sent_or_none(script: list[tuple[str, int]], first_seq: int) -> None:
    run = play(script, first_seq)
    numbers = extended(run.sent, first_seq)
    newest = max(numbers, default=0)

    for number, (seq, source, ext) in zip(numbers, run.sent, strict=True):
        origin = run.seqmap.origin(seq)
        if origin is None:
            continue  # forgotten: older than the segments that are kept
        if newest - number <= LATE_MAX:
            assert (origin.source, origin.ext) == (source, ext)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_timestamps_never_run_back_over_switches(pauses: list[float]) -> None:
    seqmap = SeqMap(90000, 0, 1000)
    now, previous = 0.0, None
    for i, pause in enumerate(pauses):
        now += pause
        seqmap.switch(i % 3)
        ts = seqmap.forward(70000 + i, i * 1_000_003 & 0xFFFFFFFF, now) & 0xFFFFFFFF
        assert previous is None or ts - previous >= max(1, int(pause * 90000) - 1)
        previous = ts
