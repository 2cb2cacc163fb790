"""The page of one person in a bench that puts browsers into a room: a camera, connections that play what comes, and a post to the bench.

Each bench adds what it does with them behind `PERSON`, and ends the page with `END`.
"""

from __future__ import annotations

from typing import Final

PERSON: Final = """<!doctype html><meta charset="utf-8"><title>person</title><body><script type="module">
const query = new URLSearchParams(location.search), seat = query.get("seat");
const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360, frameRate: 15}});
const connections = window.connections = [];
const connect = (onPicture = (element) => {}) => {
  const pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  pc.ontrack = ({track}) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
    if (track.kind === "video") onPicture(element);
  };
  connections.push(pc);
  return pc;
};
const described = async (pc) => {
  await pc.setLocalDescription();
  await new Promise((done) => {
    const look = () => { if (pc.iceGatheringState === "complete") done(); };
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
  return pc.localDescription.sdp;
};
const post = async (path, asked) => (await fetch(path, {method: "POST", body: JSON.stringify({seat, ...asked})})).json();
"""

END: Final = """window.joined = true;
</script>"""
