"""What we answer, and the facts the forwarder gets: real offers whole, single rules by changing one line."""

from __future__ import annotations

import itertools

import pytest

from media.core.rtp import ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC
from media.net.answer import (
    FILMED_CODECS,
    VIDEO_CODECS,
    Answer,
    Candidate,
    Negotiated,
    OwnSide,
    Role,
    is_constrained_baseline,
    make_answer,
)
from media.net.sdp import Fingerprint, SdpError, parse_offer
from tests.support.offers import DIGEST, SHORT_OFFER, browser_offer, changed

SOURCES = {"0": "voice", "1": "face"}
OWN = OwnSide(
    ufrag="srvufrag",
    pwd="srvpasswordsrvpasswordsr",
    fingerprint=Fingerprint("sha-256", DIGEST),
    candidates=[Candidate("192.0.2.7", 40000), Candidate("2001:db8::7", 40000), Candidate("192.0.2.7", 443, "tcp")],
    cname="laizuo",
    session_id=77,
)


def answered(
    text: str,
    sources: dict[str, str] = SOURCES,
    kept: tuple[Negotiated, ...] = (),
    pictures: tuple[str, ...] = VIDEO_CODECS,
) -> Answer:
    counter = itertools.count(1000)
    return make_answer(parse_offer(text), sources, OWN, lambda: next(counter), kept, pictures)


def section(answer: Answer, index: int) -> list[str]:
    return answer.sdp.split("\r\nm=")[index + 1].split("\r\n")


def test_short_offer_answered_whole() -> None:
    answer = answered(SHORT_OFFER)

    assert (
        answer.sdp.split("\r\n")
        == f"""v=0
o=- 77 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-lite
a=group:BUNDLE 0 1
a=msid-semantic: WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=ice-ufrag:srvufrag
a=ice-pwd:srvpasswordsrvpasswordsr
a=fingerprint:sha-256 {DIGEST}
a=setup:passive
a=rtcp-mux
a=rtcp-rsize
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=candidate:1 1 udp 2130706431 192.0.2.7 40000 typ host
a=candidate:2 1 udp 2130706175 2001:db8::7 40000 typ host
a=candidate:3 1 tcp 1520434687 192.0.2.7 443 typ host tcptype passive
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109
c=IN IP4 0.0.0.0
a=mid:1
a=recvonly
a=ice-ufrag:srvufrag
a=ice-pwd:srvpasswordsrvpasswordsr
a=fingerprint:sha-256 {DIGEST}
a=setup:passive
a=rtcp-mux
a=rtcp-rsize
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:108 H264/90000
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
""".split("\n")
    )
    assert answer.lines == (
        Negotiated(
            0, "0", "audio", Role.UP, source="voice", pts={"opus": 111}, extensions={MID: 4}, ssrcs=(11,)
        ),
        Negotiated(
            1, "1", "video", Role.UP, source="face", pts={"VP8": 96, "H264": 108}, rtx_pts={"VP8": 97, "H264": 109},
            extensions={ABS_SEND_TIME: 2}, ssrcs=(21,), rtx_ssrcs={21: 22}, nack=True,
        ),
    )  # fmt: skip


def test_chromium_slots() -> None:
    answer = answered(browser_offer("chromium_plain"))

    assert [(line.mid, line.role, line.kind, line.slot, line.ssrc, line.rtx_ssrc) for line in answer.lines[2:]] == [
        ("2", Role.DOWN, "audio", 0, 1000, 0),
        ("3", Role.DOWN, "video", 0, 1002, 1001),
        ("4", Role.DOWN, "audio", 1, 1003, 0),
        ("5", Role.DOWN, "video", 1, 1005, 1004),
        ("6", Role.DOWN, "audio", 2, 1006, 0),
        ("7", Role.DOWN, "video", 2, 1008, 1007),
    ]
    assert section(answer, 3)[-5:-1] == [
        "a=fmtp:46 apt=45",
        "a=msid:slot-0 slot-0-video",
        "a=ssrc-group:FID 1002 1001",
        "a=ssrc:1002 cname:laizuo",
    ]
    assert "a=sendonly" in section(answer, 3)
    assert "a=msid:slot-0 slot-0-audio" in section(answer, 2)


def test_identifiers_are_those_of_each_browser() -> None:
    chromium, firefox = answered(browser_offer("chromium_plain")), answered(browser_offer("firefox_plain"))

    assert chromium.lines[0].extensions == {MID: 4, AUDIO_LEVEL: 1, TRANSPORT_CC: 3}
    assert firefox.lines[0].extensions == {MID: 3, AUDIO_LEVEL: 1, TRANSPORT_CC: 7}
    assert (chromium.lines[3].extensions, firefox.lines[3].extensions) == ({ABS_SEND_TIME: 2}, {ABS_SEND_TIME: 4})
    assert chromium.lines[3].pts == {"VP8": 96, "H264": 108, "VP9": 98, "AV1": 45}
    assert firefox.lines[3].pts == {"VP8": 120, "VP9": 121, "AV1": 99}
    assert chromium.lines[3].rtx_pts == {"VP8": 97, "H264": 109, "VP9": 99, "AV1": 46}
    assert firefox.lines[3].rtx_pts == {"VP8": 124, "VP9": 125, "AV1": 100}


@pytest.mark.parametrize("browser", ["chromium_simulcast", "firefox_simulcast"])
def test_a_recorded_room_takes_what_films_are_made_of(browser: str) -> None:
    lines = answered(browser_offer(browser), pictures=FILMED_CODECS).lines

    assert {name for line in lines if line.kind == "video" for name in line.pts} <= {"VP8", "H264"}
    assert all(next(iter(line.pts)) == "VP8" for line in lines if line.kind == "video")


def test_down_lines_answer_neither_mid_nor_audio_level() -> None:
    """Their headers are written anew; a publisher's mid in them would be taken for a line of the subscriber's."""
    answer = answered(browser_offer("chromium_plain"))

    assert all(set(line.extensions) <= {ABS_SEND_TIME} for line in answer.lines if line.role is Role.DOWN)


def test_data_channel_is_rejected_and_out_of_the_bundle() -> None:
    answer = answered(browser_offer("chromium_datachannel"))

    assert answer.lines[8].role is Role.REJECTED
    assert "a=group:BUNDLE 0 1 2 3 4 5 6 7\r\n" in answer.sdp
    assert section(answer, 8) == [
        "application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=inactive", "a=mid:8", "",
    ]  # fmt: skip


def test_simulcast_is_answered_layer_by_layer() -> None:
    for browser in ("chromium_simulcast", "firefox_simulcast"):
        answer = answered(browser_offer(browser))

        face = answer.lines[1]
        assert (face.rids, face.ssrcs, face.rtx_ssrcs) == (("q", "h", "f"), (), {})  # learnt by mid and rid
        assert {MID, RID, REPAIRED_RID} <= set(face.extensions)
        wanted = ["a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"]
        assert [line for line in section(answer, 1) if line.startswith(("a=rid", "a=simul"))] == wanted


def test_a_single_layer_is_no_simulcast() -> None:
    answer = answered(browser_offer("chromium_simulcast").replace("a=simulcast:send q;h;f", "a=simulcast:send q"))

    assert answer.lines[1].rids == ()
    assert "a=rid" not in answer.sdp


def test_inactive_lines_stay_open() -> None:
    answer = answered(changed("a=mid:1\na=sendonly", "a=mid:1\na=inactive"))

    assert (answer.lines[1].role, answer.lines[1].source) == (Role.IDLE, None)
    assert "a=inactive" in section(answer, 1)
    assert "a=group:BUNDLE 0 1\r\n" in answer.sdp


def test_both_ways_is_an_up_line() -> None:
    answer = answered(changed("a=sendonly", "a=sendrecv"))

    assert answer.lines[0].role is Role.UP
    assert "a=recvonly" in section(answer, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m=video 9", "m=video 0"),
        ("BUNDLE 0 1", "BUNDLE 0"),
        ("a=mid:1\na=sendonly\na=rtcp-mux\n", "a=mid:1\na=sendonly\n"),
        ("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109", "m=video 9 UDP/TLS/RTP/SAVPF 97 109 77 x"),
        ("m=video", "m=text"),
    ],
)
def test_lines_that_cannot_be_used_are_rejected(old: str, new: str) -> None:
    answer = answered(changed(old, new))

    assert answer.lines[1].role is Role.REJECTED
    assert section(answer, 1)[0].split(" ")[1] == "0"
    assert "a=group:BUNDLE 0\r\n" in answer.sdp


@pytest.mark.parametrize(
    ("old", "new", "pts"),
    [
        ("packetization-mode=1", "packetization-mode=0", {"VP8": 96}),
        ("profile-level-id=42e01f", "profile-level-id=42001f", {"VP8": 96}),
        ("profile-level-id=42e01f", "profile-level-id=4d801f", {"VP8": 96, "H264": 108}),
        ("VP8/90000", "vp8/90000", {"VP8": 96, "H264": 108}),
        ("VP8/90000", "VP8/48000", {"H264": 108}),
        ("96 97 108 109", "108 109 96 97", {"VP8": 96, "H264": 108}),  # our order, not the offer's
        ("VP8/90000", "VP9/90000", {"H264": 108, "VP9": 96}),
        ("VP8/90000", "AV1/90000", {"H264": 108, "AV1": 96}),
        ("VP8/90000", "AV1/90000\na=fmtp:96 level-idx=5;profile=0;tier=0", {"H264": 108, "AV1": 96}),
        ("VP8/90000", "AV1/90000\na=fmtp:96 level-idx=5;profile=1;tier=0", {"H264": 108}),
        ("VP8/90000", "VP9/90000\na=fmtp:96 profile-id=2", {"H264": 108}),
    ],
)
def test_choice_of_codecs(old: str, new: str, pts: dict[str, int]) -> None:
    assert answered(changed(old, new)).lines[1].pts == pts


def test_without_rtx_none_is_announced() -> None:
    down = changed("a=mid:1\na=sendonly", "a=mid:1\na=recvonly")
    answer = answered(changed("apt=108", "apt=1", changed("apt=96", "apt=1", down)), {"0": "voice"})

    assert (answer.lines[1].rtx_pts, answer.lines[1].rtx_ssrc, answer.lines[1].nack) == ({}, 0, False)
    assert "FID" not in answer.sdp
    assert "a=rtcp-fb:96 nack\r\n" not in answer.sdp  # nobody could answer it
    assert "a=rtcp-fb:96 nack pli\r\n" in answer.sdp


def test_voice_may_be_asked_for_again_where_the_browser_offers_it() -> None:
    answer = answered(changed("a=rtpmap:111", "a=rtcp-fb:111 nack\na=rtpmap:111"))

    assert answer.lines[0].nack
    assert "a=rtcp-fb:111 nack" in section(answer, 0)


def test_extensions_beyond_the_one_byte_form_are_not_taken() -> None:
    assert answered(changed("a=extmap:4 ", "a=extmap:15 ")).lines[0].extensions == {}


def test_a_renegotiation_keeps_the_ssrcs_of_down_lines() -> None:
    first = answered(browser_offer("chromium_plain"))

    again = answered(browser_offer("chromium_datachannel"), kept=first.lines)

    assert [(line.ssrc, line.rtx_ssrc) for line in again.lines[2:8]] == [
        (line.ssrc, line.rtx_ssrc) for line in first.lines[2:]
    ]


@pytest.mark.parametrize(
    ("old", "new", "sources", "message"),
    [
        ("v=0", "v=0", {"0": "voice"}, "line 19: mid 1 sends video but its source is None"),
        ("v=0", "v=0", {"0": "face", "1": "voice"}, "line 8: mid 0 sends audio but its source is face"),
        ("v=0", "v=0", {"0": "voice", "1": "hologram"}, "line 19: mid 1 sends video but its source is hologram"),
        ("BUNDLE 0 1", "LS 0 1", SOURCES, "offer: no line can be accepted (bundled audio or video with opus, VP8 or H.264)"),
        ("a=ssrc:11 ", "a=ssrc:21 ", SOURCES, "mid 1: ssrc 21 is announced twice"),
        ("a=ssrc:11 ", "a=ssrc:22 ", SOURCES, "mid 1: ssrc 22 is announced twice"),
    ],
)  # fmt: skip
def test_offers_that_cannot_be_answered(old: str, new: str, sources: dict[str, str], message: str) -> None:
    with pytest.raises(SdpError) as raised:
        answered(changed(old, new), sources)

    assert str(raised.value) == message


def test_one_source_on_two_lines_is_refused() -> None:
    second = SHORT_OFFER[SHORT_OFFER.index("m=video") :].replace("a=mid:1", "a=mid:2").replace("21", "31")
    offer = changed("BUNDLE 0 1", "BUNDLE 0 1 2") + second.replace("a=ssrc:22 cname:x\n", "").replace("31 22", "31 32")

    with pytest.raises(SdpError, match=r"^sources: two lines show the same source$"):
        answered(offer, {**SOURCES, "2": "face"})


@pytest.mark.parametrize(
    ("profile", "fits"),
    [
        ("42e01f", True), ("42C00D", True), ("42001f", False), ("42e11f", False), ("4d8028", True), ("4d001f", False),
        ("58c01f", True), ("58801f", False), ("64001f", False), ("", False), ("42e0", False), ("42 e01", False), ("zz", False),
    ],
)  # fmt: skip
def test_constrained_baseline(profile: str, fits: bool) -> None:
    assert is_constrained_baseline(profile) is fits
