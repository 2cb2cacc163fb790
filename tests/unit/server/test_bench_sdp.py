"""The SDP of the load generator's participants, and what they read from the server's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media.net.sdp import parse_offer
from server.bench.loadgen.peer import PROFILES, Certificate, Peer
from server.bench.loadgen.sdp import SdpError, answer, offer, remote
from server.bench.loadgen.streams import audio_stream, video_stream

ANSWER = "\r\n".join(
    [
        "v=0",
        "a=ice-lite",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=ice-ufrag:u1",
        "a=ice-pwd:p1",
        "a=fingerprint:sha-256 AB:CD",
        "a=setup:passive",
        "a=candidate:1 1 udp 2130706431 192.0.2.7 40000 typ host",
        "a=candidate:2 1 udp 2130706430 127.0.0.1 40001 typ host",
        "",
    ]
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer(Certificate(), (PROFILES["gcm128"],))
    yield made
    made.close()


def test_the_remote_is_the_candidate_on_our_own_address() -> None:
    found = remote(ANSWER, "127.0.0.1", offerer=False)

    assert (found.address, found.ufrag, found.pwd) == (("127.0.0.1", 40001), "u1", "p1")
    assert (found.fingerprint, found.dtls_client) == ("AB:CD", True)


def test_a_server_that_is_dtls_client_makes_us_the_server() -> None:
    active = ANSWER.replace("passive", "active")

    assert not remote(active, "127.0.0.1", offerer=False).dtls_client
    assert remote(active, "127.0.0.1", offerer=True).dtls_client


@pytest.mark.parametrize("missing", ["candidate", "ice-ufrag", "ice-pwd", "fingerprint"])
def test_what_is_missing_is_named(missing: str) -> None:
    broken = "\r\n".join(line for line in ANSWER.split("\r\n") if not line.startswith(f"a={missing}"))

    with pytest.raises(SdpError, match=missing):
        remote(broken, "127.0.0.1", offerer=False)


def test_our_own_parser_reads_the_offer(peer: Peer) -> None:
    streams = [audio_stream(11, "0"), video_stream(22, "1")]

    parsed = parse_offer(offer(peer, streams, slots=2))

    assert [line.mid for line in parsed.media] == ["0", "1", "2", "3", "4", "5"]
    assert [line.kind for line in parsed.media] == ["audio", "video"] * 3
    assert [line.direction.value for line in parsed.media] == ["sendonly"] * 2 + ["recvonly"] * 4


def test_an_answer_takes_every_line_with_its_first_codec(peer: Peer) -> None:
    offered = offer(peer, [audio_stream(11, "a"), video_stream(22, "b")], slots=0)

    answered = answer(peer, offered)

    assert "a=group:BUNDLE a b\r\n" in answered
    assert f"m=video {peer.port} UDP/TLS/RTP/SAVPF 96\r\n" in answered
    assert answered.count("a=recvonly\r\n") == 2
    assert answered.count("a=setup:active\r\n") == 2
    assert "a=rtcp-fb:96 nack pli\r\n" in answered
    assert "rtx" not in answered
