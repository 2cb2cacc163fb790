"""One attack in a process of its own: `python -m server.bench.attacking.child KIND CONTROL HOST UDP TCP SECONDS SEED`.

Says `begins`, then one line of JSON: what was sent, what came back, and the attack's own counts (fire.py).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from server.bench.attacking.fire import Target
from server.bench.attacking.members import MEMBERS
from server.bench.attacking.strangers import STRANGERS

KINDS: Final = STRANGERS | MEMBERS
BEGINS: Final = "begins"


def main(argv: list[str]) -> None:
    kind, control, host, udp, tcp, seconds, seed = argv
    target = Target(Path(control), (host, int(udp)), (host, int(tcp)), float(seconds), int(seed))
    print(BEGINS, flush=True)
    print(json.dumps(KINDS[kind](target).as_json()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
