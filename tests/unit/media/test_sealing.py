"""AES-GCM by the C path (media/forward/sealing.h): the published vectors, and libsrtp as the other side."""

from __future__ import annotations

import ctypes
import dataclasses
import random
from collections.abc import Callable

import pytest
from pylibsrtp import Policy

from media.core.rtp import HEADER
from media.forward import native_sealing
from media.forward.native_sealing import STREAMS, Secured, openssl, secure
from media.net.srtp import OK, REPLAY_WINDOW, SrtpBuffer, SrtpSessions, protect, unprotect
from media.net.srtp_keys import RtpKeys, derive_rtp_keys
from tests.support.native import native_library

GCM, CM = Policy.SRTP_PROFILE_AEAD_AES_128_GCM, Policy.SRTP_PROFILE_AES128_CM_SHA1_80
OURS, THEIRS = bytes(range(30)), bytes(range(1, 31))
SIZES = {GCM: 28, Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 44, CM: 30}

# RFC 7714 16: key, salt, and the packet of 16.1 before and after.
KEYS = RtpKeys(bytes(range(16)), b"Quid pro quo")
PLAIN = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
SEALED = bytes.fromhex(
    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
    "899d7f27beb16a9152cf765ee4390cce"
)


class Side:
    """Seals and opens with one pair of functions."""

    def __init__(self, seal: Callable[..., int], unseal: Callable[..., int], tx: object, rx: object) -> None:
        self._calls = {"seal": (seal, tx), "open": (unseal, rx)}
        self._buffer = SrtpBuffer()

    def run(self, what: str, packet: bytes) -> bytes | None:
        call, session = self._calls[what]
        buffer = self._buffer
        buffer.data[: len(packet)], buffer.length[0] = packet, len(packet)
        done = call(session, buffer.c, buffer.length) == OK
        return bytes(buffer.view[: buffer.length[0]]) if done else None


class Pair:
    """C and libsrtp with the same keys, both as our end; a browser's end by libsrtp."""

    def __init__(self, profile: int = GCM) -> None:
        size = SIZES[profile]
        ours, theirs = (OURS * 2)[:size], (THEIRS * 2)[:size]
        library = native_library()
        self.sessions = [SrtpSessions("test", profile, theirs, ours) for _ in range(2)]
        self.browser_sessions = SrtpSessions("test", profile, ours, theirs)
        self.rx, self.tx = secure(self.sessions[0])
        self.ours = Side(library.seal, library.unseal, self.tx.handle, self.rx.handle)
        self.reference = Side(protect, unprotect, self.sessions[1].tx, self.sessions[1].rx)
        self.browser = Side(protect, unprotect, self.browser_sessions.tx, self.browser_sessions.rx)

    def both(self, what: str, packet: bytes) -> bytes | None:
        """The same of both, or the test fails."""
        found = self.ours.run(what, packet)
        assert found == self.reference.run(what, packet)
        return found


def packet(seq: int, ssrc: int = 9, body: bytes = b"hello", first: int = 0x80) -> bytes:
    return HEADER.pack(first, 96, seq & 0xFFFF, 0, ssrc) + body


def test_the_keys_are_those_of_rfc_3711() -> None:
    """Appendix B.3."""
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    keys = derive_rtp_keys(master, salt_size=14)
    assert keys.key == bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
    assert keys.salt == bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1")


def test_the_vector_of_rfc_7714() -> None:
    assert openssl() is not None, "pylibsrtp no longer shows its OpenSSL: libsrtp does all, at more of CPU"
    sessions = SrtpSessions("test", GCM, bytes(28), bytes(28))
    tx, rx = Secured(sessions.tx, KEYS, seals=True), Secured(sessions.rx, KEYS, seals=False)
    by_vector = Side(native_library().seal, native_library().unseal, tx.handle, rx.handle)
    sealed = by_vector.run("seal", PLAIN)
    assert sealed is not None
    assert sealed[: len(SEALED)] == SEALED
    assert by_vector.run("open", sealed) == PLAIN


@pytest.mark.parametrize("at", [0, 3, 11, 12, 20, -1])
def test_one_wrong_bit_is_refused_and_changes_nothing(at: int) -> None:
    pair = Pair()
    sealed = pair.browser.run("seal", packet(100))
    assert sealed is not None
    wrong = bytearray(sealed)
    wrong[at] ^= 1
    before = bytes(pair.rx.memory)
    assert pair.ours.run("open", bytes(wrong)) is None
    assert bytes(pair.rx.memory) == before
    assert pair.ours.run("open", sealed) == packet(100)


@pytest.mark.parametrize("profile", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_numbers_is_taken_as_libsrtp_takes_it(profile: int, seed: int) -> None:
    """Over several circles, with what is overtaken, repeated, and too old; refused is the same as well."""
    chance, pair = random.Random(seed), Pair(profile)
    front = {ssrc: chance.randrange(0x10000) for ssrc in (9, 10, 11)}
    outcomes = set()
    for _ in range(1500):
        ssrc = chance.choice(list(front))
        back = chance.choice([0, 0, 0, 1, 5, REPLAY_WINDOW - 1, REPLAY_WINDOW, chance.randrange(400)])
        front[ssrc] += chance.choice([0, 1, 1, 1, 2, 63, 64, 65, 127, 128, 300, 9000])
        outcomes.add(
            pair.both("seal", packet(front[ssrc] - back, ssrc, chance.randbytes(chance.randrange(40)))) is None
        )
        assert pair.tx.memory.count == (0 if profile == CM else len({*pair.tx.memory.ssrcs} - {0}))
    assert outcomes == {True, False}


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_in_any_order_is_opened_as_by_libsrtp(seed: int) -> None:
    chance, pair = random.Random(seed), Pair()
    sealed, seq = [], 65000
    for _ in range(1200):
        seq += chance.choice([1, 1, 1, 3, 40])
        one = pair.browser.run("seal", packet(seq, body=chance.randbytes(20)))
        assert one is not None
        sealed.append(one)
    outcomes = set()
    for at in range(len(sealed)):
        late = max(0, at - chance.choice([0, 0, 0, 1, 2, 30, 100]))
        outcomes.add(pair.both("open", sealed[late]) is None)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    "plain",
    [
        packet(1, body=b""),
        packet(1, first=0x82, body=bytes(8) + b"x"),
        packet(1, first=0x90, body=b"\xbe\xde\x00\x01\x10\xff\x00\x00x"),
        packet(1, first=0x92, body=bytes(8) + b"\xbe\xde\x00\x00"),
        packet(1, first=0x90, body=b"\xbe\xde\x00\xff"),  # longer than the packet
        packet(1, first=0x8F, body=b"x"),
        packet(1)[:11],
        b"",
    ],
)
def test_headers_of_every_kind_are_taken_as_libsrtp_takes_them(plain: bytes) -> None:
    pair = Pair()
    sealed = pair.both("seal", plain)
    assert pair.both("open", plain) is None
    if sealed is not None:
        browsers = pair.browser.run("seal", plain)
        assert browsers is not None
        assert pair.both("open", browsers) == plain


def test_one_number_never_serves_twice_even_where_sealing_failed() -> None:
    pair = Pair()
    assert pair.ours.run("seal", packet(5)) is not None
    assert pair.ours.run("seal", packet(5, body=b"other")) is None
    assert pair.ours.run("seal", packet(6)) is not None


def test_the_last_number_of_a_key_is_the_last() -> None:
    """RFC 3711 9.2."""
    pair = Pair()
    assert pair.ours.run("seal", packet(0xFFFE)) is not None
    pair.tx.memory.streams[0].index = (1 << 48) - 2
    assert pair.ours.run("seal", packet(0xFFFF)) is not None
    assert pair.ours.run("seal", packet(0)) is None


def test_more_streams_than_there_are_places_go_through_libsrtp() -> None:
    pair = Pair()
    for ssrc in range(1, STREAMS + 20):
        assert pair.both("seal", packet(7, ssrc)) is not None
    assert pair.tx.memory.count == STREAMS
    for ssrc in (1, STREAMS, STREAMS + 1, STREAMS + 19):
        assert pair.both("seal", packet(7, ssrc)) is None
        assert pair.both("seal", packet(8, ssrc)) is not None


def test_without_openssl_libsrtp_does_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_sealing, "openssl", lambda: None)
    pair = Pair()
    assert not pair.tx.memory.context
    sealed = pair.both("seal", packet(7))
    assert sealed is not None
    assert pair.browser.run("open", sealed) == packet(7)


def test_openssl_shows_where_it_keeps_a_context_and_need_not() -> None:
    found = openssl()
    assert found is not None
    context = found.context(KEYS, seals=True)
    assert context is not None
    assert found.inside(context) != 0
    assert dataclasses.replace(found, get=lambda *_: 0).inside(context) == 0
    found.free(context)


def test_other_profiles_stay_with_libsrtp() -> None:
    pair = Pair(CM)
    assert pair.sessions[0].rtp_keys() == (None, None)
    assert not pair.tx.memory.context
    sealed = pair.both("seal", packet(7))
    assert sealed is not None
    assert pair.browser.run("open", sealed) == packet(7)


def test_keys_are_not_shown() -> None:
    assert repr(KEYS) == "RtpKeys()"
    assert ctypes.sizeof(Pair().tx.memory) < 2048
