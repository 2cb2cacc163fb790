"""Logging of our processes: one line an event to standard error. No personal data, no tokens, no request lines, ever.

The parent puts each child's name before its lines (server/supervise/relay.py), so a line here has no name of its process.
"""

from __future__ import annotations

import logging
import sys

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


def set_up(level: str) -> None:
    """Send the log of this process to standard error.

    level  debug, info, warning or error
    """
    logging.basicConfig(level=level.upper(), format=FORMAT, datefmt=TIME_FORMAT, stream=sys.stderr, force=True)
    logging.captureWarnings(True)
    # Libraries that would log addresses and URLs (with their tokens) at info level
    for name in ("aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
