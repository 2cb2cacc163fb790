"""Every parser that the network reaches, against the vectors, kept crashes, and seeded damage of both.

The same promises, guided by coverage and for as long as one likes: `python3 -m server bench fuzz`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from server.bench.fuzzing.seeds import messages_of
from server.bench.fuzzing.targets import TARGETS, sealed_check, stun_of_a_member, stun_of_a_stranger
from tests.support.offers import SHORT_OFFER

VECTORS = Path(__file__).parents[1] / "vectors"
PROTOCOL = (
    (Path(__file__).parents[2] / "server/signaling/PROTOCOL.md").read_text("utf-8").split("## Server messages")[0]
)
ROUNDS = {"sdp": 150, "payloads": 600}
EXAMPLES: dict[str, list[bytes]] = {
    "stun": [sealed_check(b""), sealed_check(bytes.fromhex("0025000080290008") + bytes(8))],
    "stun-member": [b"", bytes.fromhex("00240004 6e7f1eff 00250000 802a0008") + bytes(8)],
    "extensions": [bytes.fromhex("bede0002 10ff3230 61625100"), bytes.fromhex("10000002 0101ff02 02616200")],
    "payloads": [bytes.fromhex("0a9080800130010000 9d012a80020e01"), bytes.fromhex("0467428028 6842 7c8501")],
    "red": [bytes.fromhex("ef0f0003 6f") + b"oldnew", bytes.fromhex("ef1e0001 ef0f0002 6f") + b"abbc"],
    "framing": [b"\x00\x03abc\x00\x00\x00\x01d", b"\x05\xdc" + bytes(1500)],
    "sdp": [SHORT_OFFER.replace("\n", "\r\n").encode()],
    "control": [b'{"id": 1, "op": "ping"}', b'\x00\x00\x00\x17{"id": 1, "op": "ping"}'],
    "signals": [b"\n".join(json.dumps(said).encode() for said in messages_of(PROTOCOL, "type"))],
}


def examples(name: str) -> list[bytes]:
    """What fuzzing begins with: vectors, crashes of old, and some written here."""
    folders = [VECTORS / folder for folder in (*TARGETS[name].vectors, f"fuzz/{name}")]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.suffix != ".md"]
    return [path.read_bytes() for path in files] + EXAMPLES.get(name, [])


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut off, put in or said twice."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(5):
            case 0 if at < len(out):
                out[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            case 1:
                del out[at:]
            case 2:
                out[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                del out[at : at + chance.randint(1, 4)]
            case _:
                out[at:at] = out[: chance.randint(0, 24)]
    return bytes(out)


@pytest.mark.parametrize("name", TARGETS)
def test_parsers_keep_their_promises_on_damaged_input(name: str) -> None:
    target, chance = TARGETS[name], random.Random(name)
    seeds = examples(name)
    assert seeds, f"{name} has nothing to begin with"
    taken = sum(target.look(data) for data in seeds)

    for _ in range(ROUNDS.get(name, 2000)):
        taken += target.look(damaged(chance.choice(seeds), chance)[: target.longest])

    assert taken > 0, "nothing was taken, so only the first check was tried"


def test_a_stranger_is_refused_and_a_member_answered_by_the_same_gate() -> None:
    """The two STUN targets can fail: the password is what separates them."""
    assert stun_of_a_member(b"")
    with pytest.raises(AssertionError, match="answered somebody"):
        stun_of_a_stranger(_signed())


def _signed() -> bytes:
    return sealed_check(bytes.fromhex("00060011") + b"0a1b2c3d4e5f:them".ljust(20, b"\0"))
