"""The load generator against itself: two of its peers connect over ICE and DTLS and send to each other, without any server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.bench.core import loss_share, percentile_us
from server.bench.loadgen.native import load
from server.bench.loadgen.peer import (
    CONSENT_EVERY_S,
    PROFILES,
    Certificate,
    DatagramKind,
    Peer,
    PeerFailed,
    Remote,
    consent_pause_s,
    kind_of,
)
from server.bench.loadgen.plane import Plane, PythonPlane
from server.bench.loadgen.streams import audio_stream, video_stream
from tests.support.tools import program

MakePlane = Callable[[], Plane]
MakePair = Callable[[str], tuple[Peer, Peer]]


@pytest.fixture(params=["python", "c"])
def make_plane(request: pytest.FixtureRequest, tmp_path: Path) -> MakePlane:
    if request.param == "python":
        return PythonPlane
    program("compiler")
    return lambda: load(tmp_path)


def _remote(peer: Peer, dtls_client: bool, fingerprint: str | None = None) -> Remote:
    address = (peer.host, peer.port)
    return Remote(address, peer.ufrag, peer.pwd, fingerprint or peer.certificate.fingerprint, dtls_client)


def _connect(caller: Peer, callee: Peer) -> None:
    end = time.monotonic() + 60
    while not (caller.step(time.monotonic()) & callee.step(time.monotonic())):
        assert time.monotonic() < end, f"ICE {caller.checked}/{callee.checked}, DTLS {caller.done}/{callee.done}"


@pytest.fixture
def make_pair() -> Iterator[MakePair]:
    """Two peers aimed at each other; the first is the client of the handshake."""
    made: list[Peer] = []

    def make(profile: str) -> tuple[Peer, Peer]:
        certificate = Certificate()
        caller, callee = (Peer(certificate, (PROFILES[profile],)) for _ in range(2))
        made.extend((caller, callee))
        caller.aim(_remote(callee, dtls_client=True))
        callee.aim(_remote(caller, dtls_client=False))
        return caller, callee

    yield make
    for peer in made:
        peer.close()


@pytest.mark.parametrize("profile", PROFILES)
def test_what_one_peer_sends_the_other_receives(make_plane: MakePlane, make_pair: MakePair, profile: str) -> None:
    caller, callee = make_pair(profile)
    _connect(caller, callee)
    plane = make_plane()
    for peer in (caller, callee):
        name, tx, rx = peer.keys()
        assert name.encode() == PROFILES[profile].openssl
        assert peer.remote is not None
        plane.add_peer(peer.sock, peer.remote.address, tx, rx)
    plane.add_stream(0, audio_stream(0xFFFFFFF0, "0"))
    plane.add_stream(0, video_stream(1234, "1"))
    plane.add_stream(1, audio_stream(77, "0"))

    plane.set_active(True)
    plane.run(100)
    plane.reset()
    plane.run(400)
    window, histogram, arrivals = plane.window(), plane.histogram(), plane.arrivals()
    plane.set_active(False)
    plane.run(100)

    # 0.4 s of 50 + 150 + 50 packets a second, minus what a busy machine did not get to send.
    assert 0 < window.received <= 120
    assert (window.rejected, window.unsent, window.repairs) == (0, 0, 0)
    assert abs(window.sent - window.received) <= 10  # those under way at the borders of the window
    assert len(plane.flows()) == 3
    assert loss_share(plane.flows(), 3) == 0.0
    latency = percentile_us(histogram, 0.5)
    assert latency is not None
    assert sum(histogram) == window.received
    arrived = percentile_us(arrivals, 0.5)
    assert plane.name == "python" if arrived is None else sum(arrivals) == window.received and arrived <= latency


def test_peers_that_connected_at_once_do_not_check_at_once_for_ever() -> None:
    pauses = {consent_pause_s() for _ in range(50)}

    assert len(pauses) > 1
    assert 0.8 * CONSENT_EVERY_S <= min(pauses) <= max(pauses) <= 1.2 * CONSENT_EVERY_S


def test_a_flow_that_ends_is_seen_as_silent(make_plane: MakePlane, make_pair: MakePair) -> None:
    caller, callee = make_pair("gcm128")
    _connect(caller, callee)
    plane = make_plane()
    for peer in (caller, callee):
        assert peer.remote is not None
        plane.add_peer(peer.sock, peer.remote.address, *peer.keys()[1:])
    plane.add_stream(0, audio_stream(1, "0"))
    plane.set_active(True)
    plane.run(100)
    plane.set_active(False)
    plane.run(50)
    plane.reset()

    plane.run(50)

    assert plane.flows() == []
    assert loss_share(plane.flows(), 1) == 1.0


def test_another_certificate_than_promised_is_refused(make_pair: MakePair) -> None:
    caller, callee = make_pair("gcm128")
    caller.aim(_remote(callee, dtls_client=True, fingerprint=Certificate().fingerprint))
    _connect(caller, callee)

    with pytest.raises(PeerFailed, match="not the one of its SDP"):
        caller.keys()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x00\x01" + bytes(18), DatagramKind.STUN),
        (b"\x16\xfe\xfd", DatagramKind.DTLS),
        (b"\x80\x60" + bytes(10), DatagramKind.RTP),
        (b"\x90\xe0" + bytes(10), DatagramKind.RTP),  # marker and payload type 96
        (b"\x80\xc8" + bytes(10), DatagramKind.RTCP),
        (b"\x80\x60", None),
        (b"\x05", None),
        (b"", None),
    ],
)
def test_datagrams_are_told_apart_by_their_first_bytes(data: bytes, kind: DatagramKind | None) -> None:
    assert kind_of(data) is kind
