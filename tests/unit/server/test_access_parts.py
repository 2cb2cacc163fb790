"""Tokens, rates, passwords, where to go after signing in."""

from __future__ import annotations

import pytest

from server.access.passwords import hash_password, verify_password
from server.access.rates import Rate
from server.access.tokens import csrf_of, looks_like_token, new_token, token_hash
from server.people.core import safe_next


def test_tokens_are_long_and_different() -> None:
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(looks_like_token(token) for token in tokens)
    assert len({token_hash(token) for token in tokens}) == len({csrf_of(token) for token in tokens}) == 100


@pytest.mark.parametrize("text", ["", "short", "x" * 42, "x" * 44, "é" * 43, "x" * 42 + " ", "x" * 42 + ";"])
def test_what_is_no_token_is_seen_without_the_database(text: str) -> None:
    assert not looks_like_token(text)


def test_a_rate_grants_its_burst_then_one_at_a_time() -> None:
    rate = Rate(burst=2, every_s=10.0)

    assert [rate.take("a", 0.0), rate.take("a", 0.0), rate.take("a", 0.0)] == [0, 0, 10]
    assert rate.take("b", 0.0) == 0
    assert rate.take("a", 9.0) == 1
    assert rate.take("a", 10.0) == 0


def test_a_flood_of_keys_does_not_grow_for_ever() -> None:
    rate = Rate(burst=1, every_s=1.0)

    for number in range(60_000):
        rate.take(str(number), 0.0)

    assert len(rate._left) <= 50_000


async def test_passwords() -> None:
    stored = await hash_password("correct horse battery")

    assert await verify_password(stored, "correct horse battery")
    assert not await verify_password(stored, "correct horse batterz")
    assert not await verify_password(None, "nobody has this password")
    assert not await verify_password("not a hash", "anything")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/desk", "/desk"),
        ("/sessions/1?tab=a", "/sessions/1?tab=a"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/a\\b", "/"),
    ],
)
def test_after_signing_in_one_stays_here(path: str, expected: str) -> None:
    assert safe_next(path, "/") == expected
