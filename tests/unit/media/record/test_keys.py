"""Master keys: wrapping binds to a session, rotation keeps the old readable, and no message shows a key."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from media.record.keys import KeyProblem, MasterKeys, load_master_keys, parse_master_keys

A, B = bytes(32), bytes(range(32))
SESSION_KEY = bytes(reversed(range(32)))
TEXT_A, TEXT_B = (base64.b64encode(key).decode() for key in (A, B))


def test_a_wrapped_key_opens_for_its_session_only() -> None:
    keys = MasterKeys({"k1": A}, "k1")
    wrapped = keys.wrap(SESSION_KEY, "s1")

    assert keys.unwrap(wrapped, "s1") == SESSION_KEY
    with pytest.raises(KeyProblem, match="does not open for 's2'"):
        keys.unwrap(wrapped, "s2")


def test_wrapping_twice_gives_two_texts() -> None:
    keys = MasterKeys({"k1": A}, "k1")

    assert keys.wrap(SESSION_KEY, "s1") != keys.wrap(SESSION_KEY, "s1")


def test_rotation_adds_a_key_and_keeps_the_old_one() -> None:
    before = parse_master_keys(f"k1 {TEXT_A}\n")
    after = parse_master_keys(f"# old\nk1 {TEXT_A}\n\nk2 {TEXT_B}  # since May\n")
    wrapped = before.wrap(SESSION_KEY, "s1")

    assert after.current == "k2"
    assert after.unwrap(wrapped, "s1") == SESSION_KEY
    assert (before.is_current(wrapped), after.is_current(wrapped)) == (True, False)
    with pytest.raises(KeyProblem, match="master key 'k2' is not here"):
        before.unwrap(after.wrap(SESSION_KEY, "s1"), "s1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is none"),
        ("k1", "line 1: expected a name and a key"),
        (f"k1 {TEXT_A}\nk2 AAAA", "line 2: not 32 bytes in base64"),
        ("k1 ####", "line 1: expected a name and a key"),
        ("k1 !!!!", "line 1: not 32 bytes in base64"),
    ],
)
def test_a_bad_key_file_is_told_by_line(text: str, message: str) -> None:
    with pytest.raises(KeyProblem, match=message):
        parse_master_keys(text)


@pytest.mark.parametrize("wrapped", ["", "2:k1:AAAA", "1:k1:!", "1:k1:AAAA", "1:k1"])
def test_a_text_that_is_no_wrapped_key_is_refused(wrapped: str) -> None:
    with pytest.raises(KeyProblem):
        MasterKeys({"k1": A}, "k1").unwrap(wrapped, "s1")


def test_a_missing_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "master.key"

    first, second = load_master_keys(path), load_master_keys(path)

    assert first.keys == second.keys
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["master.key"]
