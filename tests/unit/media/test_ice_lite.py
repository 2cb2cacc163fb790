"""ICE-lite without a socket: what is answered, what is not, and at what price."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from aioice import stun

from media.net.addresses import host_key
from media.net.ice_lite import Check, Credentials, Drop, IceLite, StunError, new_credentials, parse_stun

VECTORS = Path(__file__).parents[2] / "vectors" / "stun"
SOURCE = ("192.0.2.7", 40001)
OURS = Credentials("abcdef012345", "0123456789abcdef0123456789abcdef0123")


@pytest.fixture
def ice() -> IceLite[str]:
    agent: IceLite[str] = IceLite()
    agent.admit(OURS, "notary")
    return agent


def check(pwd: str = OURS.pwd, ufrag: str = OURS.ufrag, *, nominate: bool = True, fingerprint: bool = True) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:theirs"
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(pwd.encode())
    if not fingerprint:
        del message.attributes["FINGERPRINT"]
    return bytes(message)


def test_valid_check_is_answered_authentically_and_nominates(ice: IceLite[str]) -> None:
    request = check()

    verdict = ice.receive(request, SOURCE, 0.0)

    assert isinstance(verdict, Check)
    assert (verdict.owner, verdict.nominates) == ("notary", True)
    reply = stun.parse_message(verdict.reply)
    assert reply.message_class == stun.Class.RESPONSE
    assert reply.transaction_id == stun.parse_message(request).transaction_id
    assert reply.attributes["XOR-MAPPED-ADDRESS"] == SOURCE
    assert reply.check_message_integrity(OURS.pwd.encode())
    assert "FINGERPRINT" in reply.attributes


def test_check_without_use_candidate_does_not_nominate(ice: IceLite[str]) -> None:
    verdict = ice.receive(check(nominate=False), SOURCE, 0.0)

    assert isinstance(verdict, Check)
    assert not verdict.nominates


def test_ipv6_source_is_answered(ice: IceLite[str]) -> None:
    verdict = ice.receive(check(), ("2001:db8::7", 40001, 0, 0), 0.0)

    assert isinstance(verdict, Check)
    assert stun.parse_message(verdict.reply).attributes["XOR-MAPPED-ADDRESS"] == ("2001:db8::7", 40001)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"\x00", Drop.MALFORMED),
        (check()[:19], Drop.MALFORMED),
        (check()[:-4], Drop.NOT_REQUEST),
        (check() + b"\x00\x00\x00\x00", Drop.NOT_REQUEST),
        (b"\x01\x01" + check()[2:], Drop.NOT_REQUEST),  # a response
        (check()[:4] + b"\x00\x00\x00\x00" + check()[8:], Drop.NOT_REQUEST),  # no magic cookie
        (check(ufrag="unknown"), Drop.UNKNOWN_USER),
        (check(pwd="wrong-wrong-wrong-wrong-wrong"), Drop.BAD_INTEGRITY),
        (check(fingerprint=False), Drop.BAD_INTEGRITY),
    ],
    ids=[
        "one byte",
        "no header",
        "cut off",
        "trailing bytes",
        "response",
        "no cookie",
        "unknown ufrag",
        "wrong password",
        "no fingerprint",
    ],
)
def test_everything_else_is_dropped_with_its_reason(ice: IceLite[str], datagram: bytes, reason: Drop) -> None:
    assert ice.receive(datagram, SOURCE, 0.0) is reason


def test_missing_integrity_is_not_authentic(ice: IceLite[str]) -> None:
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    bare.attributes["USERNAME"] = f"{OURS.ufrag}:theirs"

    assert ice.receive(bytes(bare), SOURCE, 0.0) is Drop.BAD_INTEGRITY


def test_old_and_new_credentials_lead_to_the_same_owner_after_a_restart(ice: IceLite[str]) -> None:
    again = new_credentials()
    ice.admit(again, "notary")

    for credentials in (OURS, again):
        verdict = ice.receive(check(credentials.pwd, credentials.ufrag), SOURCE, 0.0)
        assert isinstance(verdict, Check)
        assert verdict.owner == "notary"


def test_forgotten_credentials_are_unanswered(ice: IceLite[str]) -> None:
    ice.forget(OURS)

    assert ice.receive(check(), SOURCE, 0.0) is Drop.UNKNOWN_USER


def test_a_source_that_floods_is_not_looked_at_and_later_it_is_again(ice: IceLite[str]) -> None:
    verdicts = [ice.receive(check(), SOURCE, 0.0) for _ in range(200)]

    assert sum(isinstance(v, Check) for v in verdicts) == 80
    assert set(verdicts[80:]) == {Drop.RATE}
    assert isinstance(ice.receive(check(), ("192.0.2.7", 40002), 0.0), Check)
    assert isinstance(ice.receive(check(), SOURCE, 1.0), Check)


def test_new_credentials_have_enough_random_bits_and_fit_sdp() -> None:
    first, second = new_credentials(), new_credentials()

    assert first != second
    assert len(first.ufrag) * 4 >= 24
    assert len(first.pwd) * 4 >= 128
    assert (first.ufrag + first.pwd).isalnum()


@pytest.mark.parametrize("vector", sorted(VECTORS.glob("*.bin")), ids=lambda path: path.stem)
def test_what_crashed_the_library_once_is_a_stun_error(vector: Path) -> None:
    with pytest.raises(StunError):
        parse_stun(vector.read_bytes())


def test_every_truncation_of_a_valid_check_raises_stun_error_or_parses(ice: IceLite[str]) -> None:
    whole = check()
    for end in range(len(whole)):
        cut = whole[:2] + struct.pack("!H", max(end - 20, 0)) + whole[4:end]
        verdict = ice.receive(cut, ("192.0.2.9", end + 1), 0.0)
        assert isinstance(verdict, Drop), end


@pytest.mark.parametrize(
    ("seen", "told"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("fe80::1%eth0", "fe80::1"), ("2001:db8::7", "2001:db8::7")],
)
def test_a_source_is_told_its_address_as_it_knows_it(ice: IceLite[str], seen: str, told: str) -> None:
    verdict = ice.receive(check(), (seen, 40001, 0, 0), 0.0)

    assert isinstance(verdict, Check)
    assert stun.parse_message(verdict.reply).attributes["XOR-MAPPED-ADDRESS"] == (told, 40001)


def test_all_addresses_of_one_line_count_as_one_host() -> None:
    assert host_key("2001:db8:1:2::1") == host_key("2001:db8:1:2:ffff::9")
    assert host_key("2001:db8:1:2::1") != host_key("2001:db8:1:3::1")
    assert host_key("::ffff:192.0.2.7") == host_key("192.0.2.7") != host_key("192.0.2.8")
