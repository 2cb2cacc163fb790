"""What strangers send does not come into the log."""

from __future__ import annotations

import logging
import sys

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from server.logs import WithoutRequest


def record_of(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        return logging.LogRecord("aiohttp.server", logging.ERROR, __file__, 1, "Error handling", (), sys.exc_info())


@pytest.fixture
def logger() -> logging.Filter:
    return WithoutRequest()


def test_what_is_no_http_is_told_without_its_bytes(logger: logging.Filter) -> None:
    record = record_of(BadHttpMessage("Invalid header: b'Cookie: laizuo_staff=s3cret'"))

    assert logger.filter(record)
    said = logging.Formatter("%(levelname)s %(message)s").format(record)
    assert said == "INFO what came is no HTTP request: BadHttpMessage"


def test_an_error_of_ours_keeps_its_trace(logger: logging.Filter) -> None:
    record = record_of(RuntimeError("ours"))

    assert logger.filter(record)
    assert "RuntimeError: ours" in logging.Formatter("%(levelname)s %(message)s").format(record)
