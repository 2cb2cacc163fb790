"""An encoder and a hall screen as one buys them: aiortc behind plain HTTP, with no code of ours in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

WIDTH, HEIGHT = 320, 180
GREEN = (145, 54, 34)  # in YUV


class GreenCamera(VideoStreamTrack):
    """One colour, so that who decodes it knows whose picture it is."""

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, GREEN, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, Fraction(time_base)
        return frame


@dataclass(slots=True)
class Device:
    """`begin`, then look at `pictures` and `sounds`; `end` sends DELETE, `close` drops the connection without a word."""

    client: TestClient[Any, Any]
    token: str
    kind: str
    connection: RTCPeerConnection = field(default_factory=RTCPeerConnection)
    place: str = ""
    pictures: list[tuple[int, int, int]] = field(default_factory=list)  # mean of Y, U, V
    sounds: int = 0
    _readers: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self) -> int:
        """POST the offer and take the answer; returns the status."""
        if self.kind == "whip":
            self.connection.addTransceiver(AudioStreamTrack(), "sendonly")
            self.connection.addTransceiver(GreenCamera(), "sendonly")
        else:
            self.connection.on("track", self._receive)
            self.connection.addTransceiver("audio", "recvonly")
            self.connection.addTransceiver("video", "recvonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self.client.post(
            f"/api/{self.kind}", data=self.connection.localDescription.sdp, headers=self._headers()
        )
        if answer.status == 201:
            self.place = answer.headers["Location"]
            await self.connection.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
        return answer.status

    async def restart(self) -> int:
        """PATCH other ICE credentials, as after a change of network; those of before stay good, so that media goes on."""
        keys = "a=ice-ufrag:ABCD\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
        headers = {**self._headers(), "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": '"*"'}
        return (await self.client.patch(self.place, data=keys, headers=headers)).status

    async def end(self) -> int:
        answer = await self.client.delete(self.place, headers=self._headers())
        return answer.status

    def sees_green(self) -> str | None:
        """For `eventually`: why it does not see the other's camera."""
        if any(max(abs(a - b) for a, b in zip(seen, GREEN, strict=True)) < 12 for seen in self.pictures[-5:]):
            return None
        return f"ICE {self.connection.iceConnectionState}; pictures {self.pictures[-3:]}, sounds {self.sounds}"

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await self.connection.close()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sdp"}

    def _receive(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, av.VideoFrame):
                planes = frame.reformat(format="yuv420p").to_ndarray()
                height = frame.height
                y, rest = planes[:height], planes[height:].reshape(-1)
                half = rest.size // 2
                self.pictures.append((int(y.mean()), int(rest[:half].mean()), int(rest[half:].mean())))
            else:
                self.sounds += 1
