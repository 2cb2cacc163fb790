"""A flood in a recorded room: of what the others say, their journal lacks nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from media.core.rtp import payload_start
from media.record import layout
from media.record.reader import BlockSeen, Opened, SessionKeys, examine, load_segments, open_chunk, read_events
from tests.media.conftest import Enter
from tests.media.test_control_journal import KEY, record_in
from tests.media.test_gate import PIECE, taken
from tests.media.test_room_media import until_hears
from tests.support.eventually import eventually
from tests.support.media_worker import Controller, RunningWorker
from tests.support.rtc_client import RtcClient

FLOOD = 4000
LAST = "last word"


async def test_of_the_others_everything_is_recorded_while_a_member_floods(
    enter: Enter, controller: Controller, worker: RunningWorker
) -> None:
    await controller.ask("open_room", room="r2", session="s1", epoch=1, capacity=4, record=record_in(worker))
    a, b = await enter("a", room="r2"), await enter("b", room="r2")
    c = await enter("c", room="r2", media=False)
    await until_hears(a, "b")

    for number in range(FLOOD):
        c.send_media("audio", b"flood", marker=False)
        if number % PIECE == 0:
            await taken(controller)
    for listener, name in ((a, "b"), (b, "a")):  # of the flood something may be lost on the way to them
        await until_hears(listener, name, len(listener.heard_from(name)) + 20)
    said = {"a": await fall_silent(a, b), "b": await fall_silent(b, a)}
    await controller.ask("close_room", room="r2", epoch=1, reason="ended")
    await controller.wait_for("record_state", room="r2", state="closed")

    recorded = voices_of(worker.data / "journals" / "r2")
    assert {name: recorded[name] for name in said} == said
    assert len(recorded["c"]) > FLOOD // 2  # it was no small thing beside theirs


async def fall_silent(speaker: RtcClient, listener: RtcClient) -> list[bytes]:
    """All that somebody said until now, with a last word that the other has heard."""
    speaker.media = {"audio": False, "video": False}
    said = [f"{speaker.name}:{number}" for number in range(1, speaker.said + 1)]
    last = f"{speaker.name}:{LAST}"
    speaker.send_media("audio", last.encode(), marker=False)

    def lacking() -> str | None:
        heard = (packet.payload for packet in listener.heard_from(speaker.name))
        return None if any(payload.endswith(last.encode()) for payload in heard) else f"{last} was not heard"

    await eventually(lacking)
    return [word.encode() for word in (*said, last)]


def voices_of(directory: Path) -> dict[str, list[bytes]]:
    """What each seat's voice said, packet for packet in the order of the journal; fails on any damage."""
    seats: dict[int, str] = {}
    spoken: dict[str, list[bytes]] = {}
    for stream, plaintext in chunks_of(directory):
        if stream is None:
            events: list[dict[str, Any]] = read_events(plaintext)
            started = [event for event in events if event["kind"] == "stream" and event["data"]["source"] == "voice"]
            seats |= {event["data"]["stream"]: event["seat"] for event in started}
        elif stream in seats:
            packets = [bytes(record.body) for record in layout.split_records(plaintext) if record.kind == layout.RTP]
            spoken.setdefault(seats[stream], []).extend(
                packet[payload_start(packet, len(packet)) :] for packet in packets
            )
    return spoken


def chunks_of(directory: Path) -> list[tuple[int | None, bytes]]:
    """(stream, or None for events; content) of the whole journal, events first."""
    found: list[tuple[int | None, bytes]] = []
    for seen in examine(load_segments([directory])):
        assert isinstance(seen, BlockSeen), str(seen)
        for index in range(len(seen.block.chunks)):
            opened = open_chunk(seen, index, SessionKeys(KEY))
            assert isinstance(opened, Opened), str(opened)
            assert opened.plaintext is not None
            found.append((opened.stream, opened.plaintext))
    return sorted(found, key=lambda one: one[0] is not None)
