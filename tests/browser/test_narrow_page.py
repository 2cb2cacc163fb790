"""What a page does about a narrow line, without a line: narrow.js on figures as a browser gives them, and on real senders."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

MODULE = Path(__file__).resolve().parent.parent.parent / "web/static/js/call/narrow.js"
WIDTHS = """async (source) => {
  const { Looks } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const run = (...told) => { const looks = new Looks(); return told.map((one) => looks.look({lost: 0, ...one})); };
  return {
    falls: run({line_bps: 300_000}, {line_bps: 120_000}, {line_bps: 66_000}, {line_bps: 100_000}),
    rises: run({line_bps: 66_000}, ...Array(4).fill({line_bps: 120_000}), {line_bps: 100_000}, ...Array(5).fill({line_bps: 120_000}),
      ...Array(5).fill({line_bps: 260_000})),
    silent: run({}, {face_bps: 200_000}, {face_bps: 30_000}, {face_bps: 20_000}),
    lossy: run({line_bps: 66_000, lost: 0.3}),
  };
}"""
FITTED = """async (source) => {
  const { beSmall, fit } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}});
  const here = new RTCPeerConnection();
  const voice = here.addTransceiver(stream.getAudioTracks()[0], {direction: "sendonly"});
  const face = here.addTransceiver(stream.getVideoTracks()[0], {direction: "sendonly", sendEncodings: [
    {rid: "h", scaleResolutionDownBy: 2, maxBitrate: 200_000}, {rid: "f", maxBitrate: 800_000}]});
  const sheets = ["detail", "text"].map((what) => {
    const track = stream.getVideoTracks()[0].clone();
    track.contentHint = what;
    return here.addTransceiver(track, {direction: "sendonly", sendEncodings: [{maxBitrate: 1_500_000, maxFramerate: 5}]});
  });
  const seen = {sheets: {}};
  for (const width of ["tight", "narrow", "wide"]) {
    for (const {sender} of [voice, face]) await fit(sender, width);
    seen[width] = [voice.sender.getParameters().encodings[0].maxBitrate ?? 0, ...face.sender.getParameters().encodings.map(
      ({maxBitrate, scaleResolutionDownBy, maxFramerate}) => [maxBitrate, scaleResolutionDownBy ?? 1, maxFramerate ?? 0])];
    seen.sheets[width] = [];
    for (const {sender} of sheets) {
      await fit(sender, width);
      const [{maxBitrate, maxFramerate, scaleResolutionDownBy}] = sender.getParameters().encodings;
      seen.sheets[width].push([maxBitrate, maxFramerate, scaleResolutionDownBy ?? 1]);
    }
  }
  const sizes = () => face.sender.getParameters().encodings.map(({scaleResolutionDownBy, maxFramerate}) => [scaleResolutionDownBy ?? 1, maxFramerate ?? 0]);
  seen.small = [];
  for (const wanted of [true, true, false]) { await beSmall(face.sender, wanted); seen.small.push(sizes()); }
  here.close();
  for (const track of [...stream.getTracks(), ...sheets.map(({sender}) => sender.track)]) track.stop();
  return seen;
}"""

# A connection as a page has it, but for its line: first tight, then wide. A document is put away meanwhile, and shown again.
SHOWN_LATER = """async (source) => {
  const { fitLine } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const stream = await navigator.mediaDevices.getUserMedia({video: true});
  const [track] = stream.getVideoTracks();
  track.contentHint = "detail";
  const here = new RTCPeerConnection();
  let line_bps = 60_000, state = "connected", looks = 0;
  fitLine({get connectionState() { return state; }, getSenders: () => here.getSenders(), getStats: async () => {
    looks++;
    return [{type: "candidate-pair", nominated: true, availableOutgoingBitrate: line_bps}];
  }});
  const until = async (true_now) => { while (!true_now()) await new Promise((resolve) => setTimeout(resolve, 50)); };
  await until(() => looks >= 2);
  const {sender} = here.addTransceiver(track, {direction: "sendonly", sendEncodings: [{maxBitrate: 1_500_000, maxFramerate: 5}]});
  const bounds = () => { const [{maxBitrate, maxFramerate}] = sender.getParameters().encodings; return [maxBitrate, maxFramerate]; };
  await until(() => bounds()[0] !== 1_500_000);
  const seen = [bounds()];
  await sender.replaceTrack(null);
  line_bps = 900_000;
  const since = looks;
  await until(() => looks >= since + 7);
  await sender.replaceTrack(track);
  await until(() => bounds()[0] !== seen[0][0]);
  seen.push(bounds());
  state = "closed";
  here.close();
  track.stop();
  return seen;
}"""


async def test_a_line_counts_as_narrow_or_tight_until_it_is_clearly_wider(chromium: Browser) -> None:
    page = await chromium.new_page()

    found = await page.evaluate(WIDTHS, MODULE.read_text("utf-8"))

    assert found["falls"] == ["wide", "narrow", "tight", "tight"]
    assert found["rises"] == ["tight"] * 10 + ["narrow"] * 5 + ["wide"]
    assert found["silent"] == ["wide", "wide", "tight", "tight"], (
        "before the line is measured, the encoder's rate tells"
    )
    assert found["lossy"] == ["narrow"]


async def test_on_a_tight_line_voice_and_face_are_small_and_both_come_back(chromium: Browser) -> None:
    page = await (await chromium.new_context(permissions=["camera", "microphone"])).new_page()
    await page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto("https://page.test/")  # devices are only for pages that came safely

    seen = await page.evaluate(FITTED, MODULE.read_text("utf-8"))

    usual = [[200_000, 2, 0], [800_000, 1, 0]]
    assert seen["tight"] == [12_000, [20_000, pytest.approx(360 / 135), 8], usual[1]]
    assert seen["narrow"] == [16_000, *usual]
    assert seen["wide"] == [0, *usual]
    assert seen["small"] == [[[pytest.approx(360 / 135), 0], [1, 0]]] * 2 + [[[2, 0], [1, 0]]], (
        "told by the server, on a wide line: a bound of frames would bind the larger layer too"
    )
    assert seen["sheets"] == {
        "tight": [[30_000, 1, 1]] * 2,
        "narrow": [[100_000, 1, 1]] * 2,
        "wide": [[1_500_000, 5, 1]] * 2,
    }, "what is to be read comes slower, never smaller"


async def test_what_is_shown_on_a_line_that_is_narrow_already_is_fitted_too(chromium: Browser) -> None:
    page = await (await chromium.new_context(permissions=["camera"])).new_page()
    await page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto("https://page.test/")

    assert await page.evaluate(SHOWN_LATER, MODULE.read_text("utf-8")) == [[30_000, 1], [1_500_000, 5]]
