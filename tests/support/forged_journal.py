"""What somebody with the session's key and a right to write to the disk can do: one event changed, and the chain made anew behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from media.record.chain import (
    GENESIS,
    ChunkKeys,
    Head,
    after_block,
    after_segment,
    decrypt_chunk,
    encrypt_chunk,
    sha256,
    sm3,
)
from media.record.layout import canonical, encode_block, encode_segment
from media.record.segments import Found, chunk_bytes, list_segments, read_segment_header, walk_blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def forge(directory: Path, key: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[int, str]:
    """Rewrite every event as `change` says, in place; every digest, commitment and head behind it fits again.

    Returns the new head of each block. Raises AssertionError when nothing was changed: then nothing would have to be found.
    """
    head, heads, changed = GENESIS, dict[int, str](), 0
    for path in list_segments(directory):
        data = path.read_bytes()
        opened = read_segment_header(data)
        assert opened is not None, f"{path.name} has no whole header"
        header, at = opened
        line = canonical(json.loads(header.line) | _previous(head))
        keys, parts, head = ChunkKeys(key, header.salt), [encode_segment(line)], after_segment(head, line)
        for found in walk_blocks(data, at):
            leaves, bodies, touched = _chunks(data, found, keys, change)
            changed += touched
            line = canonical(json.loads(found.block.line) | _previous(head))
            head = after_block(head, found.block.number, line, leaves)
            heads[found.block.number] = head.hex
            parts += [encode_block(line, leaves, head), *bodies]
        path.write_bytes(b"".join(parts))
    assert changed, "no event was changed"
    return heads


def _previous(head: Head) -> dict[str, str]:
    return {"prev": head.sha256.hex(), "prev_sm3": head.sm3.hex()}


def _chunks(
    data: bytes, found: Found, keys: ChunkKeys, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[list[bytes], list[bytes], int]:
    leaves, bodies, touched = [], [], 0
    for (chunk, sealed), leaf in zip(chunk_bytes(data, found), found.block.leaves, strict=True):
        if chunk.stream is not None:
            leaves.append(leaf)
            bodies.append(bytes(sealed))
            continue
        chunk_key = keys.key(found.block.number, chunk.index)
        told = decrypt_chunk(chunk_key, sealed)
        events = [json.loads(line) for line in told.splitlines()]
        forged = [change(event) for event in events]
        touched += sum(one != other for one, other in zip(events, forged, strict=True))
        body = encrypt_chunk(chunk_key, b"".join(canonical(event) + b"\n" for event in forged))
        facts: dict[str, Any] = json.loads(leaf) | {"len": len(body), "sha256": sha256(body).hex()}
        leaves.append(canonical(facts | ({"sm3": sm3(body).hex()} if "sm3" in facts else {})))
        bodies.append(body)
    return leaves, bodies, touched
