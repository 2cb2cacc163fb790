"""Packs of a journal whose streams keep a ledger: one that adds up, and liars of each kind."""

from __future__ import annotations

from pathlib import Path

from media.record.journal import Journal
from server.evidence.identity import Identity
from tests.support.packed_session import seal_pack
from tests.support.synthetic_session import KEY, START_MONO_US, FakeClock, rtp

# Six numbers before the wrap and four behind it; 65533 and 0 to 1 never came, 2 was withheld.
SENT = [65530, 65531, 65532, 65533, 65534, 65535, 0, 1, 2, 3]
CAME = [65530, 65532, 65531, 65534, 65535, 3]
HONEST = {"missing": [(65533, 1), (0, 2)], "withheld": [(2, 1)], "received": 6}
LIARS: dict[str, tuple[dict[str, object], str]] = {
    "a hole nobody declared": ({"missing": [(65533, 1)]}, "neither received nor declared"),
    "a packet declared missing that came": ({"missing": [(65532, 2), (0, 2)]}, "accounted for twice"),
    "an end that says other numbers": ({"received": 7}, "the records say otherwise"),
    "a stretch withheld that is not told": ({"withheld": []}, "neither received nor declared"),
}


def ledger_pack(folder: Path, identity: Identity, **changed: object) -> bytes:
    """A pack whose one stream accounts for SENT, but for what is changed."""
    facts = {**HONEST, **changed}
    clock = FakeClock()
    journal = Journal.open(folder, session="s1", room="r1", key=KEY, facts={}, clocks=clock)
    stream = journal.stream(
        "a",
        "voice",
        "audio",
        ssrc=7,
        codec="opus",
        clock_rate=48_000,
        payload_type=111,
        at_us=START_MONO_US,
        ledger=True,
    )
    for number, seq in enumerate(CAME):
        journal.packet(stream, START_MONO_US + number, rtp(111, seq, number * 960, 7, b"\xf8\xff\xfe", marker=False))
    for kind in ("missing", "withheld"):
        for first, count in facts[kind]:  # type: ignore[attr-defined]
            getattr(journal, kind)(stream, START_MONO_US + 9, first, count)
    clock.at(500_000)
    journal.seal_blocking()
    told = {
        "stream": stream,
        "received": facts["received"],
        "missing": counted("missing", facts),
        "withheld": counted("withheld", facts),
    }
    journal.event("stream_ended", "a", told)
    journal.close_blocking("ended")
    pack, _ = seal_pack(folder, [], identity, [])
    return pack


def counted(kind: str, facts: dict[str, object]) -> int:
    return sum(count for _, count in facts[kind])  # type: ignore[attr-defined]
