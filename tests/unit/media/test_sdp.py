"""Reading offers: what real browsers write, and every way to write it wrong."""

from __future__ import annotations

import pytest

from media.core.rtp import ABS_SEND_TIME, AUDIO_LEVEL, MID, RID
from media.net.sdp import (
    MAX_MEDIA_LINES,
    MAX_OFFER_BYTES,
    Codec,
    Direction,
    Fingerprint,
    SdpError,
    Transport,
    parse_offer,
)
from tests.support.offers import AUDIO, DIGEST, SESSION, SHORT_OFFER, browser_offer, changed


def test_chromium_transport_and_lines() -> None:
    offer = parse_offer(browser_offer("chromium_plain"))

    assert offer.transport == Transport(
        "iyRD",
        "YU4pe9i5CwrZ/Z2ZYprBD+m+",
        (
            Fingerprint(
                "sha-256",
                "24:A8:CB:9E:54:C1:3F:A5:0A:38:F0:06:A1:92:A2:9F:35:44:89:36:19:D6:9E:45:0E:F6:BF:4D:72:DB:3C:5F",
            ),
        ),
        "actpass",
    )
    assert offer.bundle == tuple("01234567")
    assert [(line.mid, line.kind, line.direction.value) for line in offer.media] == [
        ("0", "audio", "sendonly"),
        ("1", "video", "sendonly"),
        *((str(mid), "video" if mid % 2 else "audio", "recvonly") for mid in range(2, 8)),
    ]


def test_chromium_camera_line() -> None:
    camera = parse_offer(browser_offer("chromium_plain")).media[1]

    assert camera.codecs[96] == Codec(
        96, "VP8", 90000, 1, {}, ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
    )
    assert camera.codecs[97] == Codec(97, "rtx", 90000, 1, {"apt": "96"}, ())
    assert camera.codecs[108].parameters == {
        "level-asymmetry-allowed": "1",
        "packetization-mode": "1",
        "profile-level-id": "42e01f",
    }
    assert (camera.extensions[MID], camera.extensions[ABS_SEND_TIME], camera.extensions[RID]) == (4, 2, 10)
    assert (camera.ssrcs, camera.rtx_ssrcs) == ((1971521022,), {1971521022: 3693273310})
    assert camera.rtcp_mux
    assert camera.offered


def test_simulcast_of_both_browsers() -> None:
    chromium = parse_offer(browser_offer("chromium_simulcast")).media[1]
    firefox = parse_offer(browser_offer("firefox_simulcast")).media[1]

    assert (chromium.rids, chromium.ssrcs) == (("q", "h", "f"), ())
    assert (chromium.layers, firefox.layers) == (("q", "h", "f"), ("q", "h", "f"))
    assert (firefox.rids, len(firefox.ssrcs), len(firefox.rtx_ssrcs)) == (("q", "h", "f"), 3, 3)


def test_firefox_writes_the_fingerprint_once() -> None:
    offer = parse_offer(browser_offer("firefox_plain"))

    assert [f.algorithm for f in offer.transport.fingerprints] == ["sha-256"]
    assert len(offer.transport.ufrag) == 8
    assert (offer.media[0].extensions[MID], offer.media[0].extensions[AUDIO_LEVEL]) == (3, 1)
    assert offer.media[0].codecs[109] == Codec(
        109, "opus", 48000, 2, {"maxplaybackrate": "48000", "stereo": "1", "useinbandfec": "1"}, ("transport-cc",)
    )


def test_data_channel_line_is_kept_as_it_is() -> None:
    line = parse_offer(browser_offer("chromium_datachannel")).media[8]

    assert (line.kind, line.protocol, line.formats) == ("application", "UDP/DTLS/SCTP", ("webrtc-datachannel",))


def test_line_ends_of_both_kinds_are_read() -> None:
    assert parse_offer(SHORT_OFFER.replace("\n", "\r\n")) == parse_offer(SHORT_OFFER)


def test_direction_defaults_to_the_session_then_to_both_ways() -> None:
    bare = changed("a=sendonly\n", "")

    assert parse_offer(bare).media[0].direction is Direction.SENDRECV
    assert parse_offer(changed("a=group", "a=inactive\na=group", bare)).media[0].direction is Direction.INACTIVE


def test_bundle_only_lines_are_offered_though_their_port_is_zero() -> None:
    off = changed("m=video 9", "m=video 0")

    assert not parse_offer(off).media[1].offered
    assert parse_offer(changed("a=mid:1", "a=mid:1\na=bundle-only", off)).media[1].offered


def test_transport_is_that_of_the_line_that_bundle_names_first() -> None:
    offer = changed("BUNDLE 0 1", "BUNDLE 1 0")

    with pytest.raises(SdpError, match=r"^line 19: a=ice-ufrag or a=ice-pwd is missing$"):
        parse_offer(offer)


def test_weak_fingerprints_are_passed_over() -> None:
    weak = "a=fingerprint:sha-1 " + ":".join(["AA"] * 20) + "\n"

    offer = parse_offer(changed("a=setup", weak + "a=setup"))

    assert offer.transport == parse_offer(SHORT_OFFER).transport


def test_lower_case_digests_are_raised() -> None:
    assert parse_offer(changed(DIGEST, DIGEST.lower())) == parse_offer(SHORT_OFFER)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("v=0", "v=1", "line 1: must be v=0"),
        ("t=0 0", "", "line 4: empty"),
        ("t=0 0", "t", "line 4: not of the form <type>=<value>"),
        ("t=0 0", "T=0", "line 4: not of the form <type>=<value>"),
        ("t=0 0", "t=0 \x00", "line 4: not of the form <type>=<value>"),
        ("t=0 0", "t=" + "0" * 5000, "line 4: longer than 4096 characters"),
        ("BUNDLE 0 1", "BUNDLE 0 1 2", "a=group: BUNDLE names mid 2, which no line has"),
        ("a=mid:1", "a=mid:0", "a=group: BUNDLE names mid 1, which no line has"),
        ("a=setup", "a=group:BUNDLE 0\na=setup", "line 7: a=group: one BUNDLE group, at session level"),
        ("a=mid:1", "a=mid:1\na=group:BUNDLE 0", "line 22: a=group: one BUNDLE group, at session level"),
        ("a=mid:0", "a=mid:", "line 10: a=mid: must be a token of at most 64 characters"),
        ("a=mid:0", "a=mid:a b", "line 10: a=mid: must be a token of at most 64 characters"),
        ("iyRD", "iyR", "line 12: a=ice-ufrag: must be 4 to 256 ice characters"),
        ("iyRD", "iy:RD", "line 12: a=ice-ufrag: must be 4 to 256 ice characters"),
        ("YU4pe9i5CwrZ/Z2ZYprBD+m+", "short", "line 13: a=ice-pwd: must be 22 to 256 ice characters"),
        ("a=ice-ufrag:iyRD\n", "", "line 8: a=ice-ufrag or a=ice-pwd is missing"),
        (f"a=fingerprint:sha-256 {DIGEST}", "a=fingerprint:x", "line 6: a=fingerprint: needs an algorithm and hexadecimal pairs"),
        (f"a=fingerprint:sha-256 {DIGEST}", "a=fingerprint", "line 6: a=fingerprint: needs an algorithm and hexadecimal pairs"),
        (DIGEST, "AB:CD", "line 6: a=fingerprint: sha-256 must have 32 bytes"),
        (f"sha-256 {DIGEST}", "sha-1 " + ":".join(["AB"] * 20), "line 8: a=fingerprint with sha-256 or better is missing"),
        ("a=setup:actpass", "a=setup:holdconn", "line 7: a=setup: must be actpass, active or passive"),
        ("a=setup:actpass\n", "", "line 7: a=setup must be actpass, active or passive"),
        ("m=audio 9 ", "m=audio x ", "line 8: m= port must be 0..65535"),
        ("m=audio 9 ", "m=audio 65536 ", "line 8: m= port must be 0..65535"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF", "line 8: m=: needs kind, port, protocol and formats"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:128 opus/48000/2", "line 16: a=rtpmap: payload type must be 0..127"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus", "line 16: a=rtpmap: needs <pt> <name>/<clock rate>[/<channels>]"),
        ("opus/48000/2", "opus/0/2", "line 16: a=rtpmap: clock rate must be 1..1000000"),
        ("opus/48000/2", "opus/48000/x", "line 16: a=rtpmap: channels must be 1..255"),
        ("a=fmtp:111", "a=fmtp:x", "line 17: a=fmtp: payload type must be 0..127"),
        ("a=rtcp-fb:96 nack\n", "a=rtcp-fb:x nack\n", "line 26: a=rtcp-fb: payload type must be 0..127"),
        ("a=extmap:4 ", "a=extmap:0 ", "line 15: a=extmap: identifier must be 1..4351"),
        ("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:4", "line 15: a=extmap: needs an identifier and a uri"),
        ("a=ssrc:11 cname:x", "a=ssrc:", "line 18: a=ssrc: ssrc must be 0..4294967295"),
        ("a=ssrc:11 cname:x", "a=ssrc:4294967296 cname:x", "line 18: a=ssrc: ssrc must be 0..4294967295"),
        ("FID 21 22", "FID 21", "line 34: a=ssrc-group: FID needs two different ssrcs"),
        ("FID 21 22", "FID 21 21", "line 34: a=ssrc-group: FID needs two different ssrcs"),
        ("a=mid:1", "a=mid:1\na=rid:h", "line 22: a=rid: needs an identifier and send or recv"),
        ("a=mid:1", "a=mid:1\na=rid:h both", "line 22: a=rid: needs an identifier and send or recv"),
        ("a=mid:1", "a=mid:1\n" + "a=rid:h send\n" * 9, "line 30: a=rid: more than 8"),
        ("a=mid:1", "a=mid:1\na=simulcast:send", "line 22: a=simulcast: needs send or recv, and a list"),
        ("a=mid:1", "a=mid:1\na=simulcast:send q;h recv", "line 22: a=simulcast: needs send or recv, and a list"),
        ("a=mid:1", "a=mid:1\na=simulcast:send q;;f", "line 22: a=simulcast: needs up to 8 identifiers"),
        ("a=setup", f"a=fingerprint:sha-256 {DIGEST}\n" * 8 + "a=setup", "line 14: a=fingerprint: more than 8"),
    ],
)  # fmt: skip
def test_malformed_offers_name_the_line(old: str, new: str, message: str) -> None:
    with pytest.raises(SdpError) as raised:
        parse_offer(changed(old, new))

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("".join(f"a=ssrc:{i} cname:x\n" for i in range(33)), "line 51: a=ssrc: more than 32"),
        ("a=ssrc-group:SIM " + " ".join(["1"] * 33) + "\n", "line 19: a=ssrc-group: more than 32"),
        ("".join(f"a=extmap:{i + 5} urn:x{i}\n" for i in range(64)), "line 82: a=extmap: more than 64"),
        ("a=rtcp-fb:* nack\n" * 513, "line 531: a=rtcp-fb: more than 512"),
        ("a=x\n" * 10_000, "offer: more than 10000 lines"),
        ("m=audio 0 x 1\n" * MAX_MEDIA_LINES, "line 82: more than 64 media lines"),
        ("a=" + "x" * MAX_OFFER_BYTES, f"offer: larger than {MAX_OFFER_BYTES} bytes"),
    ],
)
def test_everything_has_a_bound(lines: str, message: str) -> None:
    with pytest.raises(SdpError) as raised:
        parse_offer(changed("BUNDLE 0 1", "BUNDLE 0", SESSION) + AUDIO + lines)

    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["", "v=0", "v=0\n", "v=0\r\ns=-\r\n"])
def test_an_offer_without_media_is_refused(text: str) -> None:
    with pytest.raises(SdpError, match=r"^offer: no media line$"):
        parse_offer(text)


@pytest.mark.parametrize("name", ["chromium_simulcast", "firefox_plain"])
def test_each_truncation_is_refused_or_read(name: str) -> None:
    """Cut after any line: either an SdpError or an offer with fewer lines, nothing else."""
    lines = browser_offer(name).split("\r\n")

    read = 0
    for count in range(len(lines)):
        try:
            offer = parse_offer("\r\n".join(lines[:count]) + "\r\n")
        except SdpError:
            continue
        read += 1
        assert len(offer.media) <= 8

    assert 0 < read < len(lines)
