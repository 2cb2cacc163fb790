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
from server.bench.loadgen.streams import Joined, Plan, Stream

ANSWER_WITHIN_S = 10.0
FIRST_ROOM = 1000

Message = dict[str, Any]


class JanusSignaling:
    """One Janus session that holds the handles of all participants."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._session = self._post("", {"janus": "create"})["data"]["id"]
        self._control = self._attach()

    def fill(self, plan: Plan, make_peer: Callable[[], Peer], connect: Callable[[list[Peer]], None]) -> Joined:
        """First everybody publishes, then everybody subscribes to all others of his room."""
        publishers: Joined = []
        feeds: list[dict[int, int]] = []  # per room: participant -> feed
        for index, room in enumerate(plan):
            self.open_room(FIRST_ROOM + index)
            senders = {member: (make_peer(), streams) for member, streams in enumerate(room) if streams}
            feeds.append({member: self._publish(FIRST_ROOM + index, *sender) for member, sender in senders.items()})
            publishers += senders.values()
        connect([peer for peer, _ in publishers])
        subscribers = []
        for index, room in enumerate(plan):
            wanted = [[feed for other, feed in feeds[index].items() if other != member] for member in range(len(room))]
            subscribers += [self._subscribe(FIRST_ROOM + index, make_peer(), chosen) for chosen in wanted if chosen]
        connect(subscribers)
        return publishers + [(peer, ()) for peer in subscribers]

    def idle(self) -> None:
        """Nothing: the session has no time-out (config of the server under test)."""

    def open_room(self, room: int) -> None:
        """VideoRoom's defaults, but for the limit on publishers and the bitrate cap, which would hold the load back."""
        wanted = {"request": "create", "room": room, "publishers": 100, "bitrate": 0}
        self._message(
            self._control, wanted | {"videocodec": "vp8", "audiocodec": "opus", "notify_joining": False}, event=False
        )

    def publish(self, room: int, offered: str) -> tuple[int, str]:
        """A participant who sends what his SDP offers: (feed, SDP answer). Raises PeerFailed."""
        handle = self._attach()
        joined = self._message(handle, {"request": "join", "ptype": "publisher", "room": room})
        answered = self._message(handle, {"request": "publish"}, jsep={"type": "offer", "sdp": offered})
        return int(joined["plugindata"]["data"]["id"]), str(answered["jsep"]["sdp"])

    def subscribe(self, room: int, feeds: Sequence[int]) -> tuple[int, str]:
        """One who is sent these feeds: (handle, SDP offer); `start` with his answer follows. Raises PeerFailed."""
        handle = self._attach()
        body = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": feed} for feed in feeds]}
        return handle, str(self._message(handle, body)["jsep"]["sdp"])

    def start(self, handle: int, answered: str) -> None:
        """Raises PeerFailed."""
        self._message(handle, {"request": "start"}, jsep={"type": "answer", "sdp": answered})

    def _publish(self, room: int, peer: Peer, streams: Sequence[Stream]) -> int:
        feed, answered = self.publish(room, offer(peer, streams, 0))
        peer.aim(remote(answered, peer.host, offerer=False))
        return feed

    def _subscribe(self, room: int, peer: Peer, feeds: Sequence[int]) -> Peer:
        handle, offered = self.subscribe(room, feeds)
        self.start(handle, answer(peer, offered))
        peer.aim(remote(offered, peer.host, offerer=True))
        return peer

    def _attach(self) -> int:
        return int(
            self._post(f"/{self._session}", {"janus": "attach", "plugin": "janus.plugin.videoroom"})["data"]["id"]
        )

    def _message(
        self, handle: int, body: Mapping[str, Any], jsep: Mapping[str, str] | None = None, event: bool = True
    ) -> Message:
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
