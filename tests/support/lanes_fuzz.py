"""SM3 of several messages at once, beside OpenSSL's, in random numbers and lengths; for the sanitizers as a process of its own.

python -m tests.support.lanes_fuzz LIBRARY SEED ROUNDS
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from media.record.lanes import Lanes, one_by_one


def main(library: str, seed: str, rounds: str) -> None:
    some = random.Random(int(seed))
    ways = Lanes(Path(library)).ways
    for number in range(int(rounds)):
        longest = some.choice((0, 130, 130, 3_000, 40_000))
        messages = [some.randbytes(some.randint(0, longest)) for _ in range(some.randint(0, 20))]
        for way in range(ways):
            assert Lanes(Path(library), way).digests(messages) == one_by_one(messages), (seed, number, way)
    print(f"rounds {rounds} ways {ways}")


if __name__ == "__main__":
    main(*sys.argv[1:])
