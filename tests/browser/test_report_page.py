"""What a page reports of the pictures it is shown, without a room: report.js on figures as a browser gives them, and on a real connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

MODULE = Path(__file__).resolve().parent.parent.parent / "web/static/js/call/report.js"
# Each look: ms of the clock, then by mid how many pictures were decoded, and the seconds of standstill that the browser counts so far.
LOOKS = """async ([source, watched, looks]) => {
  const { NOTHING, measure } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const said = [];
  let before = NOTHING;
  for (const [at_ms, faces] of looks) {
    const stats = new Map([["t", {type: "transport", timestamp: at_ms}], ...Object.entries(faces).map(([mid, [frames, still_s, fps]]) => [mid, {
      type: "inbound-rtp", kind: "video", mid, timestamp: at_ms, framesDecoded: frames, totalFreezesDuration: still_s, framesPerSecond: fps,
      frameWidth: 640, frameHeight: 360}])]);
    const [totals, report] = await measure({getStats: async () => stats}, before, watched[said.length] ?? watched[0]);
    before = totals;
    said.push([report.frozen_ms, report.fps ?? null]);
  }
  return said;
}"""
FACES = """async ([source, state]) => {
  const { movingFaces } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  return movingFaces(state);
}"""
# A picture of one's own camera over a connection of the page with itself: it moves, then nothing more is sent.
REAL = """async (source) => {
  const { NOTHING, measure } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = ({candidate}) => there.addIceCandidate(candidate);
  there.onicecandidate = ({candidate}) => here.addIceCandidate(candidate);
  const stream = await navigator.mediaDevices.getUserMedia({video: true});
  const sender = here.addTrack(stream.getVideoTracks()[0], stream);
  await here.setLocalDescription();
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription();
  await here.setRemoteDescription(there.localDescription);
  const mid = there.getTransceivers()[0].mid;
  const frames = async () => [...(await there.getStats()).values()].find((one) => one.type === "inbound-rtp")?.framesDecoded ?? 0;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
  const look = async (before) => { const at = await frames(); let now = at; while (now < at + 10) { await pause(); now = await frames(); }
    return measure(there, before, {[mid]: "b"}); };
  const [first] = await look(NOTHING);
  const [second, moves] = await look(first);
  await sender.replaceTrack(null);
  let last = -1;
  for (let now = await frames(); now !== last; now = await frames()) { last = now; await pause(); await pause(); }
  const [third] = await measure(there, second, {[mid]: "b"});
  await pause();
  const [fourth, stands] = await measure(there, third, {[mid]: "b"});
  for (const pc of [here, there]) pc.close();
  for (const track of stream.getTracks()) track.stop();
  return {moves, stands, window_ms: fourth.at_ms - third.at_ms};
}"""
Look = tuple[int, dict[str, tuple[Any, ...]]]


@pytest.mark.parametrize(
    ("watched", "looks", "said"),
    [
        (
            [{"3": "b"}],
            [(1000, {"3": (90, 0, 24)}), (6000, {"3": (210, 0, 24)}), (11000, {"3": (330, 0.8, 20)})],
            [[0, 24], [0, 24], [800, 20]],
        ),
        (  # it stands: the browser has no rate and counts nothing, until a picture comes after twelve seconds
            [{"3": "b"}],
            [
                (1000, {"3": (90, 0, 24)}),
                (6000, {"3": (90, 0)}),
                (11000, {"3": (90, 0)}),
                (16000, {"3": (160, 12, 24)}),
            ],
            [[0, 24], [5000, 0], [5000, 0], [5000, 24]],
        ),
        (  # of two faces that which stands; what is not watched, such as a document, is not asked
            [{"3": "b", "5": "c"}],
            [
                (1000, {"3": (90, 0, 24), "5": (70, 0, 20), "7": (4, 0)}),
                (6000, {"3": (210, 0, 24), "5": (70, 0), "7": (4, 0)}),
            ],
            [[0, 20], [5000, 0]],
        ),
        (  # switched off meanwhile, and on again: nobody waited for it
            [{"3": "b"}, {}, {"3": "b"}, {"3": "b"}],
            [
                (1000, {"3": (90, 0, 24)}),
                (6000, {"3": (92, 0)}),
                (11000, {"3": (120, 8, 24)}),
                (16000, {"3": (120, 8)}),
            ],
            [[0, 24], [0, None], [0, 24], [5000, 0]],
        ),
        (  # somebody else in the slot, whose camera is not open yet
            [{"3": "b"}, {"3": "c"}, {"3": "c"}],
            [(1000, {"3": (90, 0, 24)}), (6000, {"3": (90, 0)}), (11000, {"3": (90, 0)})],
            [[0, 24], [0, None], [0, None]],
        ),
        ([{"3": "b"}], [(1000, {}), (6000, {"3": (0, 0)}), (11000, {"3": (0, 0)})], [[0, None]] * 3),
    ],
    ids=["moves", "stands", "one of two", "switched off", "another", "never began"],
)
async def test_a_face_of_which_no_picture_comes_stands_all_the_time(
    chromium: Browser, watched: list[dict[str, str]], looks: list[Look], said: list[list[Any]]
) -> None:
    page = await chromium.new_page()

    assert await page.evaluate(LOOKS, [MODULE.read_text("utf-8"), watched, looks]) == said


async def test_faces_that_should_move_are_those_of_people_who_are_here_and_send_one(chromium: Browser) -> None:
    page = await chromium.new_page()
    fine: dict[str, Any] = {"state": "connected", "muted": ["voice"], "silenced": []}
    people = {
        "b": fine,
        "c": {**fine, "muted": ["face"]},
        "d": {**fine, "silenced": ["face"]},
        "e": {**fine, "state": "reconnecting"},
    }
    slots = [{"video_mid": seat, "seat": seat, "source": "face"} for seat in people]
    others = [("b", "document"), ("b", "screen"), ("b", "voice"), (None, None), ("gone", "face")]
    slots += [{"video_mid": f"{at}", "seat": seat, "source": source} for at, (seat, source) in enumerate(others)]

    found = await page.evaluate(FACES, [MODULE.read_text("utf-8"), {"slots": slots, "people": people}])

    assert found == {"b": "b"}


async def test_a_real_picture_moves_and_stands(chromium: Browser) -> None:
    page = await (await chromium.new_context(permissions=["camera"])).new_page()
    await page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto("https://page.test/")  # devices are only for pages that came safely

    found = await page.evaluate(REAL, MODULE.read_text("utf-8"))

    assert found["moves"]["fps"] > 0
    assert found["moves"]["width"] > 0
    assert found["stands"]["frozen_ms"] == pytest.approx(found["window_ms"], abs=1)
