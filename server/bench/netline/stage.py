"""A page and its door for `bench network`: joins a room of a media worker directly, and notes when pictures were shown.

The product's own page is left out on purpose: what is measured is the line, the browser and the worker.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from server.bench.loadgen.worker import EPOCH, WorkerSignaling
from server.bench.pages import Answer, open_pages
from server.bench.person_page import END, PERSON

PAGE = (
    PERSON
    + """import { fitLine } from "/js/call/narrow.js";
import { offerTwice, resist } from "/js/call/resilience.js";
window.frames_at = [];
window.breaks = 0;
const connected = () => {
  const began = performance.now();
  const pc = connect((element) => {
    const shown = () => { window.frames_at.push(performance.timeOrigin + performance.now()); element.requestVideoFrameCallback(shown); };
    element.requestVideoFrameCallback(shown);
  });
  pc.addEventListener("iceconnectionstatechange", () => { window.breaks += ["disconnected", "failed"].includes(pc.iceConnectionState); });
  pc.addEventListener("connectionstatechange", () => { if (pc.connectionState === "connected") window.joined_s ??= (performance.now() - began) / 1000; });
  return pc;
};
const send = (pc) => { for (const track of stream.getTracks()) pc.addTransceiver(track, {direction: "sendonly", streams: [stream]}); };
const ways = {
  worker: async () => {
    const pc = connected(), sources = {};
    send(pc);
    offerTwice(pc.getTransceivers().find(({sender}) => sender.track.kind === "audio"));
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, {direction: "recvonly"});
    await pc.setLocalDescription();
    for (const [n, track] of stream.getTracks().entries()) sources[pc.getTransceivers()[n].mid] = track.kind === "audio" ? "voice" : "face";
    const {answer} = await post("/join", {room: query.get("room"), sources, offer: pc.localDescription.sdp});
    await pc.setRemoteDescription({type: "answer", sdp: answer});
    resist(pc);
    fitLine(pc);
  },
  // The bench carries offer and answer from one page to the other.
  p2p: async () => {
    const pc = connected();
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    window.offer = () => described(pc);
    window.answer = async (sdp) => { await pc.setRemoteDescription({type: "offer", sdp}); return described(pc); };
    window.accept = (sdp) => pc.setRemoteDescription({type: "answer", sdp});
  },
  janus: async () => {
    const up = connected();
    send(up);
    await up.setRemoteDescription({type: "answer", ...await post("/publish", {sdp: await described(up)})});
    await new Promise((done) => { up.onconnectionstatechange = () => { if (up.connectionState === "connected") done(); }; });
    window.subscribe = async () => {
      const down = connected();
      await down.setRemoteDescription({type: "offer", ...await post("/subscribe", {})});
      await post("/accept", {sdp: await described(down)});
    };
  },
};
window.figures = async () => {
  const found = {frames: 0, lost: 0, repaired: 0, packets: 0, concealed: 0, samples: 0, breaks: window.breaks, shown: window.frames_at,
    now: performance.timeOrigin + performance.now()};
  for (const report of (await Promise.all(connections.map((pc) => pc.getStats()))).flatMap((reports) => [...reports.values()])) {
    if (report.type !== "inbound-rtp") continue;
    found.frames += report.framesDecoded ?? 0;
    found.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
    found.samples += report.totalSamplesReceived ?? 0;
    if (report.kind !== "video") continue;
    found.lost += report.packetsLost;
    found.packets += report.packetsReceived;
    found.repaired += report.retransmittedPacketsReceived ?? 0;
  }
  return found;
};
await ways[query.get("peer") ?? "worker"]();
"""
    + END
)


# What the product's pages do about bad lines is measured as they do it.
MODULES: Final = Path(__file__).resolve().parents[3] / "web" / "static" / "js"


class Door:
    """Answers the pages; `through` maps a seat to the port it is told instead of the worker's. Nobody is told of TCP, which would go
    past the line, but seats in `over_tcp`.
    """

    def __init__(self, signaling: WorkerSignaling) -> None:
        self.through: dict[str, int] = {}
        self.over_tcp: set[str] = set()
        self._signaling = signaling
        self._lock = threading.Lock()
        self.url = ""

    def join(self, asked: dict[str, object]) -> str:
        with self._lock:
            answered = self._signaling.control.request(
                "join", epoch=EPOCH, connection=1, label={"role": "bench"}, **asked
            )
        answer, seat = str(answered["answer"]), str(asked["seat"])
        if seat not in self.over_tcp:
            answer = re.sub(r"a=candidate:\S+ \d+ tcp .*\r\n", "", answer)
        port = self.through.get(seat)
        if port is None:
            return answer
        return re.sub(r"(a=candidate:\S+ 1 udp \d+ \S+) \d+ typ host", rf"\g<1> {port} typ host", answer)

    def control(self, op: str, **fields: object) -> None:
        with self._lock:
            self._signaling.control.request(op, **fields)

    def idle(self) -> None:
        with self._lock:
            self._signaling.idle()


@contextmanager
def open_door(signaling: WorkerSignaling, others: Mapping[str, Answer]) -> Iterator[Door]:
    """Serve the page; `others` answer what it asks of servers that are not ours."""
    door = Door(signaling)
    answers: dict[str, Answer] = {"/join": lambda asked: {"answer": door.join(asked)}, **others}
    with open_pages(PAGE, answers, MODULES) as door.url:
        yield door
