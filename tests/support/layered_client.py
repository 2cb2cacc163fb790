"""A headless person whose face comes in layers: simulcast by mid and rid, as a Chromium sends it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace

from media.core import rtcp
from tests.support.rtc_client import RtcClient
from tests.support.rtc_offer import Offer
from tests.support.rtc_packets import RTP_HEADER, VP8

RID_EXTENSION, REPAIRED_EXTENSION = 10, 11
RIDS = ("q", "h", "f")
# Payload bytes of one picture, each 20 ms: 64, 160 and 400 kbit/s.
SIZES = {"q": 160, "h": 400, "f": 1000}


@dataclass(slots=True)
class Layer:
    """What is sent of one rid. `on` False: the browser's line is too narrow for it."""

    rid: str
    ssrc: int
    on: bool = True
    key_wanted: bool = True
    sent: int = 0
    asked: bool = False
    answered: int = 0  # key frames that were sent because one was asked for
    seq: int = field(default_factory=lambda: secrets.randbits(16))
    ts: int = field(default_factory=lambda: secrets.randbits(32))
    picture: int = field(default_factory=lambda: secrets.randbits(15))
    tl0: int = field(default_factory=lambda: secrets.randbits(8))

    def switch(self, on: bool) -> None:
        """Leave it out, or send it again: an encoder begins with a key frame."""
        self.key_wanted |= on and not self.on
        self.on = on


class LayeredClient(RtcClient):
    """As RtcClient; `layers` by rid."""

    def __init__(self, name: str, *, slots: int = 2) -> None:
        super().__init__(name, slots=slots, mid_only=True)
        self.layers = {rid: Layer(rid, secrets.randbits(31) + 1) for rid in RIDS}

    def offered(self) -> Offer:
        names = {RID_EXTENSION: "rtp-stream-id", REPAIRED_EXTENSION: "repaired-rtp-stream-id"}
        lines = [f"a=extmap:{ident} urn:ietf:params:rtp-hdrext:sdes:{name}" for ident, name in names.items()]
        lines += [*(f"a=rid:{rid} send" for rid in RIDS), f"a=simulcast:send {';'.join(RIDS)}"]
        return replace(super().offered(), face=tuple(lines))

    def send_picture(self) -> None:
        """One picture of each layer that is on, of one packet."""
        for layer in self.layers.values():
            if layer.on:
                self._send_layer(layer)

    def _send_layer(self, layer: Layer) -> None:
        key, layer.key_wanted = layer.key_wanted, False
        layer.sent += 1
        layer.answered += key and layer.asked
        layer.asked = layer.asked and not key
        layer.seq, layer.picture, layer.tl0 = layer.seq + 1 & 0xFFFF, layer.picture + 1 & 0x7FFF, layer.tl0 + 1 & 0xFF
        ts = layer.ts + int(asyncio.get_running_loop().time() * 90000) & 0xFFFFFFFF
        extension = bytes([0x30]) + b"1" + bytes([RID_EXTENSION << 4]) + layer.rid.encode()
        header = RTP_HEADER.pack(0x90, 0x80 | VP8, layer.seq, ts, layer.ssrc) + b"\xbe\xde\x00\x01" + extension
        numbers = bytes([0x90, 0xC0, 0x80 | layer.picture >> 8, layer.picture & 0xFF, layer.tl0, 0 if key else 1])
        text = f"{self.name}:{layer.rid}:{'key' if key else ''}:".encode()
        self.send_plain(header + numbers + text.ljust(SIZES[layer.rid], b"."))

    def _take_rtcp(self, compound: bytes) -> None:
        super()._take_rtcp(compound)
        for packet in rtcp.parse_compound(compound):
            if isinstance(packet, rtcp.PictureLoss):
                for layer in self.layers.values():
                    if layer.ssrc == packet.media_ssrc:
                        layer.key_wanted = layer.asked = True
