"""SDP offers for tests: real ones from tests/vectors/sdp, and a short one whose lines a test can change."""

from __future__ import annotations

from pathlib import Path

VECTORS = Path(__file__).parents[1] / "vectors" / "sdp"
DIGEST = ":".join(["AB"] * 32)

AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ice-ufrag:iyRD
a=ice-pwd:YU4pe9i5CwrZ/Z2ZYprBD+m+
a=rtcp-mux
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=ssrc:11 cname:x
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=rtcp-mux
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
a=ssrc-group:FID 21 22
a=ssrc:21 cname:x
a=ssrc:22 cname:x
"""
SESSION = f"""v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
"""
SHORT_OFFER = SESSION + AUDIO + VIDEO


def browser_offer(name: str) -> str:
    """As the browser wrote it, carriage returns included."""
    return (VECTORS / f"{name}.sdp").read_bytes().decode()


def changed(old: str, new: str, offer: str = SHORT_OFFER) -> str:
    """The short offer with one passage replaced; fails if the passage is not there."""
    assert old in offer, f"{old!r} is not in the offer"
    return offer.replace(old, new, 1)
