"""Credentials for the relay: for one seat, for a limited time, computed as coturn computes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.signaling.relay import LASTS, Relay, ice_servers

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
RELAY = Relay(("turn:relay.example:3478", "turns:relay.example:443?transport=tcp"), b"north")


def test_a_credential_is_the_keyed_digest_of_its_end_and_of_whom_it_is_for() -> None:
    # printf 1795352400:9ce2dbac4d422932 | openssl dgst -sha1 -hmac north -binary | base64
    assert ice_servers(RELAY, "seat-1", NOW) == (
        {
            "urls": ["turn:relay.example:3478", "turns:relay.example:443?transport=tcp"],
            "username": "1795352400:9ce2dbac4d422932",
            "credential": "o/YOZmDvzTL1q3iRMnbWF1vpHO8=",
        },
    )


def test_it_ends_after_a_days_work_and_belongs_to_one_seat() -> None:
    ends, alias = str(ice_servers(RELAY, "seat-1", NOW)[0]["username"]).split(":")
    later, other = str(ice_servers(RELAY, "seat-2", NOW + timedelta(minutes=1))[0]["username"]).split(":")

    assert datetime.fromtimestamp(int(ends), UTC) == NOW + LASTS
    assert int(later) - int(ends) == 60
    assert alias != other
    assert "seat" not in alias


def test_without_a_relay_nobody_is_told_of_one() -> None:
    assert ice_servers(None, "seat-1", NOW) == ()


def test_a_relay_does_not_show_its_secret() -> None:
    assert "north" not in repr(RELAY)
