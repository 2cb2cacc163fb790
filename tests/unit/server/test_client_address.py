"""Whose address counts for a rate limit."""

from __future__ import annotations

import pytest

from server.access.address import outermost


@pytest.mark.parametrize(
    ("remote", "forwarded", "trusted", "address"),
    [
        ("10.0.0.9", "", (), "10.0.0.9"),
        ("10.0.0.9", "1.2.3.4", (), "10.0.0.9"),  # anybody can write that header
        ("10.0.0.9", "1.2.3.4", ("10.0.0.9",), "1.2.3.4"),
        ("10.0.0.9", "6.6.6.6, 1.2.3.4", ("10.0.0.0/8",), "1.2.3.4"),  # the left one was sent by the client itself
        ("10.0.0.9", "1.2.3.4, 10.0.0.8", ("10.0.0.0/8",), "1.2.3.4"),
        ("10.0.0.9", "nonsense, 10.0.0.8", ("10.0.0.0/8",), "nonsense"),
        ("10.0.0.9", "10.0.0.7", ("10.0.0.0/8",), "10.0.0.7"),
        ("::1", "2001:db8::7", ("::1",), "2001:db8::7"),
        ("", "1.2.3.4", ("10.0.0.9",), ""),
        ("10.0.0.9", "1.2.3.4", ("not a network",), "10.0.0.9"),
    ],
)
def test_outermost(remote: str, forwarded: str, trusted: tuple[str, ...], address: str) -> None:
    assert outermost(remote, forwarded, trusted) == address
