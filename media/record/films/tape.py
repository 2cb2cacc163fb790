"""A journal read for playing: who sent what, when it belongs, and the packets in order (EVIDENCE.md, section 6).

Two passes over the segments. `scan` learns streams, clocks and events; `Replay` gives the packets in sequence order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from media.core.depacketize import Packet
from media.core.red import NO_PT, unfold
from media.core.rtp import HEADER, PADDING_BIT, RtpError, payload_start
from media.core.seqno import unwrap_seq, unwrap_ts
from media.core.timeline import ClockUnknown, Line, Placement, arrival_line, nominal_line, ntp_us, sender_line
from media.record import layout
from media.record.films.sizes import Size, key_size, larger
from media.record.layout import BadLayout, split_records
from media.record.reader import BlockSeen, Damage, KeySource, Note, Opened, Segment, examine, open_chunk, read_events

# Retransmissions for the record may come seconds late; beyond this a packet stays in the journal but not in the film.
LATE_US = 5_000_000
# How long the first packets of a stream wait for those sent before them.
BEGIN_US = 200_000
# Two streams of a seat whose clocks differ by more than this come from two devices, or the wall clock was set between them.
SAME_CLOCK_US = 500_000
_FIRST_CYCLE = 1 << 32
_EVER_US = 1 << 62


@dataclass(slots=True)
class Stream:
    """One stream epoch as declared, and what the scan found of it. Timestamps and sequence numbers are extended."""

    number: int
    seat: str
    source: str
    kind: str
    codec: str
    clock_rate: int
    payload_type: int
    ssrc: int
    rid: str | None
    red_pt: int = NO_PT  # of packets that carry frames of before too (core/red.py)
    reports: list[tuple[int, int]] = field(default_factory=list)
    samples: list[tuple[int, int]] = field(default_factory=list)
    sent: int | None = None
    received: int = 0
    declared_missing: int = 0
    last_seq: int | None = None
    last_ts: int = 0
    first_us: int | None = None
    last_us: int = 0
    size: Size | None = None  # of its largest key frame (VP8)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the record. at_us counts from the start of the journal."""

    number: int
    at_us: int
    wall_us: int
    kind: str
    seat: str | None
    data: dict[str, Any]


@dataclass(slots=True)
class Tape:
    """What a scan found. Times are microseconds from the first segment's clock on one monotonic line."""

    session: str
    room: str
    start_wall_us: int
    end_us: int = 0
    blocks: int = 0
    streams: dict[int, Stream] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    problems: list[Damage] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    withheld: int = 0


class JournalClock:
    """Puts each segment's monotonic clock on one line: the same boot shares it, another boot is joined by the wall clock."""

    def __init__(self) -> None:
        self._first: tuple[int, int, str] | None = None
        self._offset: dict[str, int] = {}

    def offset_us(self, segment: Segment) -> int:
        """Add this to a monotonic time of the segment."""
        header = segment.header
        if header is None:
            return 0
        if self._first is None:
            self._first = (header.wall_us, header.mono_us, header.boot)
        wall_us, mono_us, boot = self._first
        same = header.boot == boot
        return -mono_us if same else header.wall_us - wall_us - header.mono_us


def scan(segments: Sequence[Segment], keys: KeySource) -> Tape:
    """First pass. Raises ValueError when there is no readable segment at all."""
    tape: Tape | None = None
    clock = JournalClock()
    problems: list[Damage] = []
    notes: list[Note] = []
    for seen in examine(segments):
        if isinstance(seen, Damage):
            problems.append(seen)
        elif isinstance(seen, Note):
            notes.append(seen)
        elif seen.segment.header is not None:
            header = seen.segment.header
            tape = tape or Tape(header.session, header.room, header.wall_us)
            _scan_block(tape, seen, keys, clock.offset_us(seen.segment), problems)
    if tape is None:
        raise ValueError("the journal holds no readable block")
    tape.problems, tape.notes = problems, notes
    return tape


def _scan_block(tape: Tape, seen: BlockSeen, keys: KeySource, offset_us: int, problems: list[Damage]) -> None:
    tape.blocks += 1
    tape.end_us = max(tape.end_us, seen.block.mono_us + offset_us)
    for index in range(len(seen.block.chunks)):
        opened = open_chunk(seen, index, keys)
        try:
            if isinstance(opened, Damage):
                problems.append(opened)
            elif opened.plaintext is None:
                tape.withheld += 1
            else:
                _scan_chunk(tape, opened, opened.plaintext, offset_us)
        except ValueError as error:
            problems.append(Damage(seen.segment.name, seen.block.number, None, f"chunk {index}: {error}"))


def _scan_chunk(tape: Tape, opened: Opened, plaintext: bytes, offset_us: int) -> None:
    if opened.stream is None:
        for fact in read_events(plaintext):
            event = _event(fact, offset_us)
            tape.events.append(event)
            if event.kind == "stream":
                stream = _declared(event)
                tape.streams[stream.number] = stream
    elif opened.stream in tape.streams:
        _scan_records(tape.streams[opened.stream], plaintext, offset_us)
    else:
        raise BadLayout(f"stream {opened.stream} was never declared")


def _event(fact: dict[str, Any], offset_us: int) -> Event:
    try:
        at_us = int(fact["at_us"]) + offset_us
        return Event(int(fact["n"]), at_us, int(fact["wall_us"]), str(fact["kind"]), fact["seat"], dict(fact["data"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadLayout(f"event {fact.get('n')!r}: {error!r}") from None


def _declared(event: Event) -> Stream:
    data = event.data
    try:
        return Stream(
            int(data["stream"]), str(event.seat), str(data["source"]), str(data["kind"]), str(data["codec"]),
            int(data["clock_rate"]), int(data["payload_type"]), int(data["ssrc"]), data.get("rid"),
            int(str(data.get("fmtp") or "").removeprefix("red=") or NO_PT),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise BadLayout(f"event {event.number} declares a stream badly: {error!r}") from None


def _scan_records(stream: Stream, plaintext: bytes, offset_us: int) -> None:
    """Counts, reports, and the least delayed packet of this chunk as a sample of the two clocks."""
    best: tuple[float, int, int] | None = None
    nominal = 1e6 / stream.clock_rate
    for record in split_records(plaintext):
        at_us = record.arrival_us + offset_us
        if record.kind == layout.RTP:
            ts = _count_packet(stream, record.body)
            if stream.codec == "VP8" and (size := key_size(record.body)):
                stream.size = larger(stream.size, size)
            delay = at_us - ts * nominal
            if best is None or delay < best[0]:
                best = (delay, ts, at_us)
            stream.first_us = at_us if stream.first_us is None else stream.first_us
            stream.last_us = max(stream.last_us, at_us)
        elif record.kind == layout.SENDER_REPORT:
            ntp, ts, packets, _ = layout.REPORT.unpack(record.body)
            stream.reports.append((unwrap_ts(ts, stream.last_ts or _FIRST_CYCLE + ts), ntp_us(ntp)))
            stream.sent = packets
        elif record.kind == layout.MISSING_PACKETS:
            stream.declared_missing += layout.MISSING.unpack(record.body)[1]
    if best is not None:
        stream.samples.append(best[1:])


def _count_packet(stream: Stream, rtp: memoryview) -> int:
    if len(rtp) < HEADER.size:
        raise BadLayout(f"rtp packet of {len(rtp)} bytes")
    _, _, seq, ts, _ = HEADER.unpack_from(rtp)
    near = stream.last_seq
    extended = unwrap_seq(seq, (1 << 16) + seq if near is None else near)
    stream.last_seq = extended if near is None or extended > near else near
    stream.received += 1
    at = unwrap_ts(ts, stream.last_ts or _FIRST_CYCLE + ts)
    stream.last_ts = max(stream.last_ts, at)
    return at


def place_streams(tape: Tape) -> dict[int, Placement]:
    """How to put each stream's timestamps on the journal's timeline. Streams without a packet are left out.

    All streams of a seat that have sender reports share one map from the sender's wall clock to ours: what was said and seen together
    stays together, though each medium has its own delay on the way.
    """
    placements: dict[int, Placement] = {}
    for group in _clock_groups(tape):
        senders = {stream.number: _sender(stream) for stream in group}
        sent = [(senders[stream.number].at(ts), float(at_us)) for stream in group for ts, at_us in stream.samples]
        arrival = arrival_line(sent)
        placements |= {number: Placement(line, arrival) for number, line in senders.items()}
    return placements


def _sender(stream: Stream) -> Line:
    try:
        return sender_line(stream.reports, stream.clock_rate)
    except ClockUnknown:
        return nominal_line(stream.clock_rate)


def _clock_groups(tape: Tape) -> list[list[Stream]]:
    """Streams that share a sender's wall clock: one seat, and the same offset to our clock. Without a report a stream stands alone."""
    groups: list[tuple[str, float, list[Stream]]] = []
    for stream in (stream for stream in tape.streams.values() if stream.samples):
        sender = _sender(stream)
        offset = min(at_us - sender.at(ts) for ts, at_us in stream.samples)
        near = [group for group in groups if group[0] == stream.seat and abs(group[1] - offset) < SAME_CLOCK_US]
        if near and stream.reports:
            near[0][2].append(stream)
        else:
            groups.append((stream.seat if stream.reports else "", offset, [stream]))
    return [streams for _, _, streams in groups]


class _Order:
    """One stream's packets in rising sequence, each once; holes wait LATE_US for a late packet.

    left    packets of the stream that the journal still holds: with none left nothing is worth waiting for
    before  the orders of streams that this one continues: a reconnect begins when they are through, or after LATE_US
    """

    def __init__(self, left: int, before: Sequence[_Order]) -> None:
        self.left = left
        self.before = before
        self.next: int | None = None
        self.newest = 0
        self.last_ts = 0
        self.waiting: dict[int, tuple[int, Packet]] = {}
        self.late = 0

    def take(self, at_us: int, packet: Packet) -> list[Packet]:
        if self.next is None:
            return self._begin(at_us, packet)
        if packet.seq < self.next or packet.seq in self.waiting:
            self.late += 1
            return []
        if packet.seq == self.next and not self.waiting:
            self.next += 1
            return [packet]
        self.waiting[packet.seq] = (at_us, packet)
        return self.release(at_us - LATE_US)

    def fill(self, at_us: int, packet: Packet) -> list[Packet]:
        """A frame that a later packet brought along takes the place of its own if that has not come."""
        if self.next is None or packet.seq < self.next or packet.seq in self.waiting:
            return []
        return self.take(at_us, packet)

    def _begin(self, at_us: int, packet: Packet) -> list[Packet]:
        """The first to arrive need not be the first sent: for a moment all wait, then the lowest number begins."""
        self.waiting.setdefault(packet.seq, (at_us, packet))
        waited_us = at_us - min(arrived for arrived, _ in self.waiting.values())
        return [] if waited_us < BEGIN_US or not self._is_turn(waited_us) else self.release(at_us - LATE_US)

    def _is_turn(self, waited_us: int) -> bool:
        return waited_us >= LATE_US or not any(order.left or order.waiting for order in self.before)

    def settle(self, now_us: int) -> list[Packet]:
        """What needs no other packet to be settled: the rest of a stream that ended, or what stood behind a hole for LATE_US."""
        if not self.waiting:
            return []
        waited_us = now_us - min(arrived for arrived, _ in self.waiting.values())
        if self.next is None and not (self._is_turn(waited_us) and (not self.left or waited_us >= BEGIN_US)):
            return []
        return self.release(now_us - LATE_US if self.left else _EVER_US)

    def release(self, older_than_us: int) -> list[Packet]:
        """The run that is complete now; over a hole when what lies behind it came before this time."""
        out: list[Packet] = []
        if self.next is None:
            self.next = min(self.waiting, default=None)
        while self.waiting and self.next is not None:
            if self.next not in self.waiting:
                first = min(self.waiting)
                if self.waiting[first][0] > older_than_us:
                    break
                self.next = first
            out.append(self.waiting.pop(self.next)[1])
            self.next += 1
        return out


class Replay:
    """Second pass: (stream, packet) in sequence order per stream, by time of arrival over all."""

    def __init__(self, tape: Tape, segments: Sequence[Segment], keys: KeySource) -> None:
        self._tape = tape
        self._segments = segments
        self._keys = keys
        self._orders: dict[int, _Order] = {}
        for number, stream in sorted(tape.streams.items()):
            before = [self._orders[n] for n in self._orders if _same_source(tape.streams[n], stream)]
            self._orders[number] = _Order(stream.received, before)
        self.blocks_done = 0
        self.now_us = 0

    def packets(self) -> Iterator[tuple[Stream, Packet]]:
        clock = JournalClock()
        for seen in examine(self._segments, content=False):
            if isinstance(seen, BlockSeen):
                self.blocks_done += 1
                offset_us = clock.offset_us(seen.segment)
                self.now_us = max(self.now_us, seen.block.mono_us + offset_us)
                yield from self._block(seen, offset_us)
                yield from self._settled(self.now_us)
        yield from self._settled(_EVER_US)

    def _settled(self, now_us: int) -> Iterator[tuple[Stream, Packet]]:
        """Without this the last seconds of a stream that ended behind a hole would come at the end of the film."""
        for number, order in self._orders.items():
            for packet in order.settle(now_us):
                yield self._tape.streams[number], packet

    def _block(self, seen: BlockSeen, offset_us: int) -> Iterator[tuple[Stream, Packet]]:
        for chunk in seen.block.chunks:
            stream = self._tape.streams.get(-1 if chunk.stream is None else chunk.stream)
            opened = open_chunk(seen, chunk.index, self._keys) if stream is not None else None
            if stream is None or not isinstance(opened, Opened) or opened.plaintext is None:
                continue
            order = self._orders[stream.number]
            for at_us, packet, own in _packets(stream, order, opened.plaintext, offset_us):
                for ready in order.take(at_us, packet) if own else order.fill(at_us, packet):
                    yield stream, ready


def _same_source(a: Stream, b: Stream) -> bool:
    return (a.seat, a.source, a.kind) == (b.seat, b.source, b.kind)


def _packets(stream: Stream, order: _Order, plaintext: bytes, offset_us: int) -> Iterator[tuple[int, Packet, bool]]:
    """(when it came, packet, whether it came as its own)."""
    for record in split_records(plaintext):
        if record.kind == layout.RTP:
            order.left -= 1
            packet = _parse(order, record.body, (stream.payload_type, stream.red_pt))
            if packet is not None and record.body[1] & 0x7F == stream.red_pt:
                for seen, own in unfold(packet):
                    yield record.arrival_us + offset_us, seen, own
            elif packet is not None:
                yield record.arrival_us + offset_us, packet, True


def _parse(order: _Order, rtp: memoryview, payload_types: tuple[int, int]) -> Packet | None:
    """None for what is not media of this stream. Padding is cut; a packet of padding alone keeps its place with no payload."""
    size = len(rtp)
    try:
        start = payload_start(rtp, size)
    except RtpError:
        return None
    first, second, seq, ts, _ = HEADER.unpack_from(rtp)
    end = size - rtp[size - 1] if first & PADDING_BIT else size
    seq = unwrap_seq(seq, order.newest or (1 << 16) + seq)
    ts = unwrap_ts(ts, order.last_ts or _FIRST_CYCLE + ts)
    order.newest, order.last_ts = max(order.newest, seq), max(order.last_ts, ts)
    if second & 0x7F not in payload_types:
        return Packet(seq, ts, False, b"")
    return Packet(seq, ts, second >= 128, bytes(rtp[start:end]) if end > start else b"")
