"""What a page does about a line that loses, without a line: resilience.js on counts as a browser gives them."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

MODULE = Path(__file__).resolve().parent.parent.parent / "web/static/js/call/resilience.js"
# A second of fifteen frames: even ones, or with one that a repair held up for a third of a second.
RUN = """async (source) => {
  const { Patience, offerTwice } = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const seen = {frames: 0, sum_s: 0, squares: 0, repairs: 0, concealed: 0, samples: 0};
  const patience = new Patience();
  const second = (late, repairs, concealed = 0) => {
    const gaps = Array.from({length: 15}, (_, n) => late && n === 7 ? 0.4 : 0.043);
    seen.frames += 15; seen.repairs += repairs; seen.concealed += concealed; seen.samples += 48000;
    for (const gap of gaps) { seen.sum_s += gap; seen.squares += gap * gap; }
    return patience.look({...seen});
  };
  const pc = new RTCPeerConnection();
  const line = pc.addTransceiver("audio", {direction: "sendonly"});
  offerTwice(line);
  const {sdp} = await pc.createOffer();
  pc.close();
  return {
    even: [second(false, 1), second(false, 1)], busy: second(true, 0),
    late: Array.from({length: 8}, () => second(true, 2)), calm: Array.from({length: 61}, () => second(false, 0)),
    concealed: second(false, 0, 4800),
    first: /m=audio \\d+ \\S+ (\\d+)/.exec(sdp)[1], red: /a=rtpmap:(\\d+) red/.exec(sdp)[1],
  };
}"""


async def test_a_page_waits_longer_for_what_repairs_hold_up_and_less_when_it_is_calm(chromium: Browser) -> None:
    page = await chromium.new_page()

    found = await page.evaluate(RUN, MODULE.read_text("utf-8"))

    assert found["even"] == [0, 0]
    assert found["busy"] == 0, "a machine that is busy is not mended by waiting"
    assert found["late"] == [100, 200, 300, 400, 500, 500, 500, 500]
    assert (found["calm"][28], found["calm"][29], found["calm"][-1]) == (500, 450, 400)
    assert found["concealed"] == 500
    assert found["first"] == found["red"], "the voice is not offered as RED first"
