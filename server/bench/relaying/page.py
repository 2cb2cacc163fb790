"""The page of one person. What it posts is carried to the server under test."""

from __future__ import annotations

PAGE = """<!doctype html><meta charset="utf-8"><title>person</title><body><script type="module">
const query = new URLSearchParams(location.search), seat = query.get("seat"), others = query.get("others").split(",");
const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360, frameRate: 15}});
const connections = [];
const post = async (path, asked) => (await fetch(path, {method: "POST", body: JSON.stringify(asked)})).json();
const connect = () => {
  const pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  pc.ontrack = ({track}) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
  };
  connections.push(pc);
  return pc;
};
const send = (pc) => {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter(({mimeType}) => /VP8|rtx/.test(mimeType));
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: "sendonly", streams: [stream]});
    if (track.kind === "video") transceiver.setCodecPreferences(codecs);
  }
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
const ways = {
  worker: async () => {
    const pc = connect();
    send(pc);
    for (const _ of others) for (const kind of ["audio", "video"]) pc.addTransceiver(kind, {direction: "recvonly"});
    const offer = await described(pc), sources = {};
    for (const transceiver of pc.getTransceivers()) {
      if (transceiver.sender.track) sources[transceiver.mid] = transceiver.sender.track.kind === "audio" ? "voice" : "face";
    }
    const {answer} = await post("/join", {seat, offer, sources});
    await pc.setRemoteDescription({type: "answer", sdp: answer});
  },
  relay: async () => {
    const up = connect();
    send(up);
    await up.setRemoteDescription({type: "answer", sdp: (await post("/publish", {seat, sdp: await described(up)})).sdp});
    for (const of of others) {
      const pc = connect();
      await pc.setRemoteDescription({type: "offer", sdp: (await post("/subscribe", {seat, of})).sdp});
      await post("/accept", {seat, of, sdp: await described(pc)});
    }
  },
};
// Frames decoded of each picture that comes.
window.frames = async () => {
  const found = [];
  for (const pc of connections) {
    for (const report of (await pc.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") found.push(report.framesDecoded ?? 0);
    }
  }
  return found;
};
await ways[query.get("way")]();
window.joined = true;
</script>"""
