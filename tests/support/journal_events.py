"""What a room's journal says happened, read with the session's key; a damaged journal fails the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from media.record.reader import BlockSeen, Damage, Opened, SessionKeys, examine, load_segments, open_chunk, read_events

if TYPE_CHECKING:
    from pathlib import Path


def journal_events(directory: Path, key: bytes) -> list[dict[str, Any]]:
    """All events in order."""
    keys = SessionKeys(key)
    events: list[dict[str, Any]] = []
    for seen in examine(load_segments([directory])):
        assert not isinstance(seen, Damage), str(seen)
        if isinstance(seen, BlockSeen):
            events += [
                event
                for index, chunk in enumerate(seen.block.chunks)
                if chunk.stream is None
                for event in _open(seen, index, keys)
            ]
    return events


def _open(seen: BlockSeen, index: int, keys: SessionKeys) -> list[dict[str, Any]]:
    opened = open_chunk(seen, index, keys)
    assert isinstance(opened, Opened), str(opened)
    assert opened.plaintext is not None, "the key does not fit"
    return read_events(opened.plaintext)
