"""A real Chromium or Firefox with a fake camera and microphone, and what the tests ask a page about its call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from server.testing.browsers import find_chromium

ARGUMENTS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]

# Firefox speaks WebDriver BiDi here: playwright's own patched build is a download. `loopback` is not set: what our page meets is a Firefox as
# people have it, which has no candidate there.
FIREFOX_PREFERENCES: dict[str, str | float | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
}

PATIENCE_S = 45.0  # nothing here is measured: a busy machine may take its time
expect.set_options(timeout=PATIENCE_S * 1000)

# Frames decoded and audio packets received so far, per m-line that receives; numbers only ever grow within one peer connection.
_RECEIVED = """async () => {
  const pc = window.laizuo?.room?.pc;
  if (!pc) return null;
  const lines = {};
  for (const report of (await pc.getStats()).values()) {
    if (report.type === "inbound-rtp") {
      lines[report.mid] = {kind: report.kind, ssrc: report.ssrc, frames: report.framesDecoded ?? 0, packets: report.packetsReceived,
        width: report.frameWidth ?? 0, concealed: report.concealedSamples ?? 0, samples: report.totalSamplesReceived ?? 0,
        energy: report.totalAudioEnergy ?? 0};
    }
  }
  return lines;
}"""


@asynccontextmanager
async def running_chromium(*more: str) -> AsyncIterator[Browser]:
    """One Chromium for a test; `server test` has put one in place. `more`: further arguments."""
    found = find_chromium()
    assert found, "no Chromium: set CHROMIUM, or run `python3 -m server test`, which brings one"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(found), args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def running_firefox(path: Path) -> AsyncIterator[Browser]:
    """One Firefox for a test that is marked `firefox`; `path` is the fixture `firefox_path`."""
    async with async_playwright() as playwright:
        browser = await playwright.firefox.launch(
            channel="moz-firefox", executable_path=str(path), firefox_user_prefs=FIREFOX_PREFERENCES
        )
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """One person's browser: cookies of their own, one page, every error of its console kept."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"pageerror: {error}"))
        page.on("console", self._listen)

    def _listen(self, message: Any) -> None:
        # A refused or lost connection is logged by the browser itself while a process restarts: that is the fault under test, not ours.
        if (
            message.type == "error"
            and "Failed to load resource" not in message.text
            and "WebSocket connection" not in message.text
        ):
            self.errors.append(f"console: {message.text}")

    async def press(self, name: str, timeout_s: float = PATIENCE_S) -> None:
        """Press the control with this data-testid, as a person would: visible, enabled, not covered."""
        await self.page.get_by_test_id(name).first.click(timeout=timeout_s * 1000)

    async def see(self, name: str, timeout_s: float = PATIENCE_S) -> Any:
        """Wait until the control with this data-testid is seen."""
        found = self.page.get_by_test_id(name).first
        await found.wait_for(state="visible", timeout=timeout_s * 1000)
        return found

    async def received(self) -> dict[str, dict[str, Any]] | None:
        """What the call has received so far, by mid; None without a call."""
        lines: dict[str, dict[str, Any]] | None = await self.page.evaluate(_RECEIVED)
        return lines

    async def videos_moving(self, since: dict[str, dict[str, Any]] | None, frames: int = 5) -> int:
        """How many received videos have decoded at least `frames` more frames than in `since`. What is another stream by now began anew."""
        then = {line["ssrc"]: line["frames"] for line in (since or {}).values()}
        now = (await self.received() or {}).values()
        return sum(line["kind"] == "video" and line["frames"] >= then.get(line["ssrc"], 0) + frames for line in now)


async def open_tab(browser: Browser, width: int = 1280, height: int = 800, locale: str = "zh-CN") -> Tab:
    """A browser of one person."""
    context = await browser.new_context(viewport={"width": width, "height": height}, locale=locale)
    if browser.browser_type.name == "chromium":  # a Firefox is started with the permission
        await context.grant_permissions(["camera", "microphone"])
    return Tab(context, await context.new_page())
