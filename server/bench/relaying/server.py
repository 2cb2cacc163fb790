"""The peer: a room on aiortc's MediaRelay, as its documentation has it. `python -m server.bench.relaying.server` prints `port N` and serves.

    POST /publish    {seat, sdp}      a browser's offer of its voice and picture; the answer
    POST /subscribe  {seat, of}       an offer of what `of` sends, for `seat`, as soon as it is there; the offer
    POST /accept     {seat, of, sdp}  the browser's answer to that

One peer connection for each pair: with all pictures in one, this version of aiortc sends only some of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

TRACKS = 2  # voice and picture
WITHIN_S = 30.0


class RelayRoom:
    """Everybody who is there. Lives as long as the process."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: dict[str, list[MediaStreamTrack]] = {}
        self._came = asyncio.Condition()
        self._connections: dict[tuple[str, str], RTCPeerConnection] = {}

    async def publish(self, asked: dict[str, str]) -> dict[str, str]:
        seat = asked["seat"]
        connection = self._connect(seat, "")
        await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        async with self._came:
            receivers = [transceiver.receiver for transceiver in connection.getTransceivers()]
            self._tracks[seat] = [receiver.track for receiver in receivers]
            self._came.notify_all()
        return {"sdp": connection.localDescription.sdp}

    async def subscribe(self, asked: dict[str, str]) -> dict[str, str]:
        async with asyncio.timeout(WITHIN_S), self._came:
            await self._came.wait_for(lambda: len(self._tracks.get(asked["of"], [])) == TRACKS)
        connection = self._connect(asked["seat"], asked["of"])
        for track in self._tracks[asked["of"]]:
            connection.addTrack(self._relay.subscribe(track, buffered=False))
        await connection.setLocalDescription(await connection.createOffer())
        return {"sdp": connection.localDescription.sdp}

    async def accept(self, asked: dict[str, str]) -> dict[str, str]:
        connection = self._connections[asked["seat"], asked["of"]]
        await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "answer"))
        return {}

    def _connect(self, seat: str, of: str) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections[seat, of] = connection
        return connection


async def serve() -> None:
    room = RelayRoom()
    application = web.Application()
    for verb in (room.publish, room.subscribe, room.accept):

        async def answer(request: web.Request, verb: Any = verb) -> web.Response:
            return web.json_response(await verb(await request.json()))

        application.router.add_post(f"/{verb.__name__}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"port {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
