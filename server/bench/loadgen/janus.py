"""Participants in Janus VideoRooms: one publishing and one subscribing peer connection each, as Janus' own clients have it.

Spoken over Janus' plain HTTP transport: a POST is acknowledged, its event is fetched by a long poll of the session.
Source: janus.conf.meetecho.com/docs/rest.html and videoroom.html.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.error import URLError

from server.bench.loadgen.peer import Peer, PeerFailed
from server.bench.loadgen.sdp import answer, offer, remote
from server.bench.loadgen.streams import Joined, Stream

ANSWER_WITHIN_S = 10.0
FIRST_ROOM = 1000

Message = dict[str, Any]


class JanusSignaling:
    """One Janus session that holds the handles of all participants."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._session = self._post("", {"janus": "create"})["data"]["id"]
        self._control = self._attach()

    def open_room(self, index: int) -> None:
        """VideoRoom's defaults, but for the limit on publishers and the bitrate cap, which would hold the load back."""
        room = {"request": "create", "room": FIRST_ROOM + index, "publishers": 100, "bitrate": 0}
        self._message(self._control, room | {"videocodec": "vp8", "audiocodec": "opus", "notify_joining": False}, event=False)

    def join_room(
        self, index: int, publishing: Sequence[Sequence[Stream]], make_peer: Callable[[], Peer], connect: Callable[[list[Peer]], None]
    ) -> Joined:
        """Fill a room: first everybody publishes, then everybody subscribes to all others. `connect` brings peers up."""
        publishers, feeds = [], []
        for streams in publishing:
            peer = make_peer()
            feeds.append(self._publish(FIRST_ROOM + index, peer, streams) if streams else None)
            publishers.append((peer, streams))
        connect([peer for peer, streams in publishers if streams])
        subscribers: Joined = []
        for me in range(len(publishing)):
            wanted = [feed for other, feed in enumerate(feeds) if other != me and feed is not None]
            if wanted:
                subscribers.append((self._subscribe(FIRST_ROOM + index, make_peer(), wanted), ()))
        connect([peer for peer, _ in subscribers])
        return [pair for pair in publishers if pair[1]] + subscribers

    def idle(self) -> None:
        """Nothing: the session has no time-out (config of the server under test)."""

    def _publish(self, room: int, peer: Peer, streams: Sequence[Stream]) -> int:
        handle = self._attach()
        joined = self._message(handle, {"request": "join", "ptype": "publisher", "room": room})
        answered = self._message(handle, {"request": "publish"}, jsep={"type": "offer", "sdp": offer(peer, streams, 0)})
        peer.aim(remote(answered["jsep"]["sdp"], peer.host, offerer=False))
        return int(joined["plugindata"]["data"]["id"])

    def _subscribe(self, room: int, peer: Peer, feeds: Sequence[int]) -> Peer:
        handle = self._attach()
        body = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": feed} for feed in feeds]}
        offered = self._message(handle, body)["jsep"]["sdp"]
        self._message(handle, {"request": "start"}, jsep={"type": "answer", "sdp": answer(peer, offered)})
        peer.aim(remote(offered, peer.host, offerer=True))
        return peer

    def _attach(self) -> int:
        return int(self._post(f"/{self._session}", {"janus": "attach", "plugin": "janus.plugin.videoroom"})["data"]["id"])

    def _message(self, handle: int, body: Mapping[str, Any], jsep: Mapping[str, str] | None = None, event: bool = True) -> Message:
        request: Message = {"janus": "message", "body": dict(body)}
        if jsep:
            request["jsep"] = dict(jsep)
        answered = self._post(f"/{self._session}/{handle}", request)
        if event:
            answered = self._event(answered["transaction"])
        problem = answered.get("plugindata", {}).get("data", {}).get("error")
        if problem:
            raise PeerFailed(f"janus {body['request']}: {problem}")
        return answered

    def _event(self, transaction: str) -> Message:
        end = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < end:
            event = self._call(f"/{self._session}?maxev=1", None)
            if event.get("transaction") == transaction and event.get("janus") == "event":
                return event
        raise PeerFailed(f"janus: no event for {transaction} within {ANSWER_WITHIN_S} s")

    def _post(self, path: str, request: Message) -> Message:
        request["transaction"] = secrets.token_hex(6)
        answered = self._call(path, request)
        if answered.get("janus") == "error":
            raise PeerFailed(f"janus: {answered['error']['reason']}")
        return answered

    def _call(self, path: str, request: Message | None) -> Message:
        body = None if request is None else json.dumps(request).encode()
        call = urllib.request.Request(self._url + path, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(call, timeout=ANSWER_WITHIN_S) as response:
                message: Message = json.load(response)
        except (URLError, TimeoutError) as error:
            raise PeerFailed(f"janus at {self._url}: {error}") from error
        return message
