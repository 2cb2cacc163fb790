"""What the browser stand-in offers in SDP, and what it reads in an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.rtc_packets import ABS_EXTENSION, LEVEL_EXTENSION, MID_EXTENSION, OPUS, RTX, VP8


@dataclass(frozen=True, slots=True)
class Offer:
    """Voice and face go up, `slots` of each come down, and perhaps a document goes up.

    voice, face  with which lines the m-lines end that send them: the streams' names
    document     its SSRC; 0: there is none
    """

    ufrag: str
    pwd: str
    fingerprint: str
    slots: int
    voice: tuple[str, ...]
    face: tuple[str, ...]
    document: int = 0

    def text(self) -> str:
        mids = [str(i) for i in range(2 + 2 * self.slots)] + (["9"] if self.document else [])
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + " ".join(mids)]
        lines += [*self._audio("0", "sendonly"), *self.voice, *self._video("1", "sendonly"), *self.face]
        for slot in range(self.slots):
            lines += self._audio(str(2 + 2 * slot), "recvonly") + self._video(str(3 + 2 * slot), "recvonly")
        if self.document:
            lines += [*self._video("9", "sendonly"), f"a=ssrc:{self.document} cname:x"]
        return "\r\n".join(lines) + "\r\n"

    def _line(self, mid: str, direction: str) -> list[str]:
        return [
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            f"a={direction}",
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            f"a=fingerprint:sha-256 {self.fingerprint}",
            "a=setup:actpass",
            "a=rtcp-mux",
            f"a=extmap:{MID_EXTENSION} urn:ietf:params:rtp-hdrext:sdes:mid",
        ]

    def _audio(self, mid: str, direction: str) -> list[str]:
        head = [f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}", *self._line(mid, direction)]
        head.append(f"a=extmap:{LEVEL_EXTENSION} urn:ietf:params:rtp-hdrext:ssrc-audio-level")
        return [*head, f"a=rtpmap:{OPUS} opus/48000/2", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1"]

    def _video(self, mid: str, direction: str) -> list[str]:
        return [
            f"m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}",
            *self._line(mid, direction),
            f"a=extmap:{ABS_EXTENSION} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            f"a=rtpmap:{VP8} VP8/90000",
            *(f"a=rtcp-fb:{VP8} {feedback}" for feedback in ("nack", "nack pli", "ccm fir", "goog-remb")),
            f"a=rtpmap:{RTX} rtx/90000",
            f"a=fmtp:{RTX} apt={VP8}",
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """Of a worker.

    port         of its candidate over UDP at the host that was asked for
    rtx_of       the repaired SSRC by the one that repairs it
    ssrc_of_mid  what comes down on an m-line
    """

    ufrag: str
    pwd: str
    fingerprint: str
    port: int
    rtx_of: dict[int, int]
    ssrc_of_mid: dict[str, int]

    @classmethod
    def read(cls, text: str, host: str) -> Answer:
        sections = [(section, re.search(r"a=ssrc:(\d+)", section)) for section in text.split("\r\nm=")[1:]]
        return cls(
            _find(r"a=ice-ufrag:(\S+)", text),
            _find(r"a=ice-pwd:(\S+)", text),
            _find(r"a=fingerprint:sha-256 (\S+)", text),
            int(_find(rf"a=candidate:\S+ 1 udp \d+ {re.escape(host)} (\d+) typ host", text)),
            {int(repair): int(main) for main, repair in re.findall(r"a=ssrc-group:FID (\d+) (\d+)", text)},
            {_find(r"a=mid:(\S+)", section): int(found[1]) for section, found in sections if found},
        )


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found[1]
