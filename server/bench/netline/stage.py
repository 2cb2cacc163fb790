"""A page and its door for `bench network`: joins a room of a media worker directly, and notes when pictures were shown.

The product's own page is left out on purpose: what is measured is the line, the browser and the worker.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from server.bench.loadgen.worker import EPOCH, WorkerSignaling

PAGE = """<!doctype html><meta charset="utf-8"><title>line</title><body><script type="module">
import { offerTwice, resist } from "/js/call/resilience.js";
const seat = new URLSearchParams(location.search);
const direct = seat.get("peer") === "p2p";
const pc = window.pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360, frameRate: 15}});
for (const track of stream.getTracks()) {
  if (direct) pc.addTrack(track, stream);
  else pc.addTransceiver(track, {direction: "sendonly", streams: [stream]});
}
if (!direct) offerTwice(pc.getTransceivers().find(({sender}) => sender.track.kind === "audio"));
if (!direct) for (const kind of ["audio", "video"]) pc.addTransceiver(kind, {direction: "recvonly"});
window.frames_at = [];
pc.ontrack = ({track, streams}) => {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  if (track.kind !== "video") return;
  const shown = () => { window.frames_at.push(performance.timeOrigin + performance.now()); element.requestVideoFrameCallback(shown); };
  element.requestVideoFrameCallback(shown);
};
const gathered = () => new Promise((done) => {
  const look = () => { if (pc.iceGatheringState === "complete") done(pc.localDescription.sdp); };
  pc.addEventListener("icegatheringstatechange", look);
  look();
});
// Peer to peer: the bench carries offer and answer from one page to the other.
window.offer = async () => { await pc.setLocalDescription(); return gathered(); };
window.answer = async (sdp) => {
  await pc.setRemoteDescription({type: "offer", sdp});
  await pc.setLocalDescription();
  return gathered();
};
window.accept = (sdp) => pc.setRemoteDescription({type: "answer", sdp});
const join = async () => {
  await pc.setLocalDescription();
  const sources = {};
  for (const [n, track] of stream.getTracks().entries()) sources[pc.getTransceivers()[n].mid] = track.kind === "audio" ? "voice" : "face";
  const body = JSON.stringify({room: seat.get("room"), seat: seat.get("seat"), sources, offer: pc.localDescription.sdp});
  const reply = await (await fetch("/join", {method: "POST", body})).json();
  await pc.setRemoteDescription({type: "answer", sdp: reply.answer});
};
window.figures = async () => {
  const found = {frames: 0, lost: 0, repaired: 0, packets: 0, concealed: 0, samples: 0, shown: window.frames_at,
    now: performance.timeOrigin + performance.now()};
  for (const report of (await pc.getStats()).values()) {
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
if (!direct) { await join(); resist(pc); }
window.joined = true;
</script>"""


# What the product's pages do about bad lines is measured as they do it.
MODULES: Final = Path(__file__).resolve().parents[3] / "web" / "static" / "js"


class Door:
    """Answers the pages; `through` maps a seat to the port it is told instead of the worker's."""

    def __init__(self, signaling: WorkerSignaling) -> None:
        self.through: dict[str, int] = {}
        self._signaling = signaling
        self._lock = threading.Lock()
        self.url = ""

    def join(self, asked: dict[str, object]) -> str:
        with self._lock:
            answered = self._signaling.control.request(
                "join", epoch=EPOCH, connection=1, label={"role": "bench"}, **asked
            )
        answer = str(answered["answer"])
        port = self.through.get(str(asked["seat"]))
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
def open_door(signaling: WorkerSignaling) -> Iterator[Door]:
    """Serve the page on loopback, where a browser lets it use a camera."""
    door = Door(signaling)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = MODULES / self.path.removeprefix("/js/")
            if script.suffix == ".js" and script.is_file():
                self._answer("text/javascript", script.read_bytes())
            else:
                self._answer("text/html", PAGE.encode())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer("application/json", json.dumps({"answer": door.join(asked)}).encode())

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: standard error is for progress."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        door.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield door
        finally:
            server.shutdown()
