"""Logging of our processes: one line an event to standard error. No personal data, no tokens, no request lines, ever.

The parent puts each child's name before its lines (server/supervise/relay.py), so a line here has no name of its process.
"""

from __future__ import annotations

import logging
import sys

from aiohttp.http_exceptions import HttpProcessingError

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


class WithoutRequest(logging.Filter):
    """Tells in one line of what is no HTTP: aiohttp would print a trace with the bytes that came, and they may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg, record.args = "what came is no HTTP request: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return True


def set_up(level: str) -> None:
    """Send the log of this process to standard error.

    level  debug, info, warning or error
    """
    logging.basicConfig(level=level.upper(), format=FORMAT, datefmt=TIME_FORMAT, stream=sys.stderr, force=True)
    logging.captureWarnings(True)
    # Libraries that would log addresses and URLs (with their tokens) at info level
    for name in ("aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("aiohttp.server").addFilter(WithoutRequest())
