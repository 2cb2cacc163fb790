"""The page of one person. What it posts is carried to the server under test."""

from __future__ import annotations

from server.bench.person_page import END, PERSON

PAGE = (
    PERSON
    + """const others = query.get("others").split(",");
const send = (pc) => {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter(({mimeType}) => /VP8|rtx/.test(mimeType));
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: "sendonly", streams: [stream]});
    if (track.kind === "video") transceiver.setCodecPreferences(codecs);
  }
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
    const {answer} = await post("/join", {offer, sources});
    await pc.setRemoteDescription({type: "answer", sdp: answer});
  },
  relay: async () => {
    const up = connect();
    send(up);
    await up.setRemoteDescription({type: "answer", sdp: (await post("/publish", {sdp: await described(up)})).sdp});
    for (const of of others) {
      const pc = connect();
      await pc.setRemoteDescription({type: "offer", sdp: (await post("/subscribe", {of})).sdp});
      await post("/accept", {of, sdp: await described(pc)});
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
"""
    + END
)
