"""A face is sent in layers: who sits on a narrow line is shown the small one, and everybody else goes on with the large one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.support.act import MARKED_CAMERA, Act, call_next, end_session, invite_third, open_tabs, take_ticket
from tests.support.browser import Tab
from tests.support.eventually import eventually
from tests.support.slow_line import slow_line

BUSY_CAMERA = Path(__file__).parents[1] / "support" / "busy_camera.js"
# Carries the notary's small layer (150 kbit/s), a face that hardly moves and two voices (40 kbit/s each); not the large layer (400 kbit/s).
NARROW_BPS = 420_000
FRAMES = 40
# Both layers at half of what the page gives them: a busy test machine decodes them in time, and nobody has to feel his way up to them.
_BOUND = """async () => {
  const face = window.laizuo.room.pc.getSenders().find((one) => one.track?.kind === "video");
  const parameters = face.getParameters();
  for (const encoding of parameters.encodings) encoding.maxBitrate = { h: 150_000, f: 400_000 }[encoding.rid];
  await face.setParameters(parameters);
  return parameters.encodings.map((encoding) => encoding.rid);
}"""
# What is sent of one's own face, by layer.
_SENT = """async () => {
  const reports = [...(await window.laizuo.room.pc.getStats()).values()].filter((one) => one.type === "outbound-rtp" && one.kind === "video");
  return Object.fromEntries(reports.map((one) => [one.rid, { width: one.frameWidth, frames: one.framesEncoded, target: one.targetBitrate }]));
}"""
# What is received of the person in charge.
_RECEIVED = """async () => {
  const { pc, people, slots } = window.laizuo.room;
  const leads = people.find((one) => one.role === "in_charge")?.seat;
  const mid = slots.find((one) => one.seat === leads && one.source === "face")?.video_mid;
  const report = [...(await pc.getStats()).values()].find((one) => one.type === "inbound-rtp" && one.mid === mid);
  return { width: report?.frameWidth ?? 0, frames: report?.framesDecoded ?? 0, bytes: report?.bytesReceived ?? 0 };
}"""


async def test_a_narrow_line_gets_the_small_layer_while_another_keeps_the_large_one(
    demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo, marked=False)
    await act.notary.context.add_init_script(path=BUSY_CAMERA)
    await act.kiosk.context.add_init_script(path=MARKED_CAMERA)
    async with slow_line(act.kiosk.context) as line:
        await act.kiosk.page.reload()
        await take_ticket(act.kiosk)
        await call_next(act)
        assert await act.notary.page.evaluate(_BOUND) == ["h", "f"]
        near = await invite_third(act, chromium)
        await layers_are(act, near, "f", "f")

        line.down_bps = NARROW_BPS
        await layers_are(act, near, "f", "h")
        await goes_on(act, near)
        await layers_are(act, near, "f", "h")

        assert line.carried > 0
        await end_session(act)
    assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": [], "third": []}


async def layers_are(act: Act, near: Tab, near_has: str, far_has: str) -> None:
    """Wait until the third person and the kiosk decode these layers of the notary's face."""

    async def why() -> str | None:
        sent = await act.notary.page.evaluate(_SENT)
        got = [(await tab.page.evaluate(_RECEIVED))["width"] for tab in (near, act.kiosk)]
        wanted = [sent.get(rid, {}).get("width") for rid in (near_has, far_has)]
        return None if got == wanted and got[0] else f"widths {got} of {json.dumps(sent)}"

    await eventually(why, 60)


async def goes_on(act: Act, near: Tab) -> None:
    """Both decode a picture that moves."""
    tabs = (near, act.kiosk)
    before = [(await tab.page.evaluate(_RECEIVED))["frames"] for tab in tabs]

    async def why() -> str | None:
        new = [(await tab.page.evaluate(_RECEIVED))["frames"] - old for tab, old in zip(tabs, before, strict=True)]
        return None if min(new) >= FRAMES else f"frames since then: {new}"

    await eventually(why, 60)
