"""Whether a browser plays a film: the bytes alone, in an empty page."""

from __future__ import annotations

import base64

from playwright.async_api import Browser

PLAYS_WITHIN_MS = 20_000

_PLAY = """async ([data, type, within_ms]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const video = document.createElement("video");
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], { type }));
  document.body.append(video);
  return await new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`stands at ${video.currentTime} s`)), within_ms);
    video.onerror = () => fail(new Error(video.error?.message || "does not open"));
    video.ontimeupdate = () => { if (video.currentTime > 0.5 || video.ended) done(video.getVideoPlaybackQuality().totalVideoFrames); };
    video.play().catch(fail);
  });
}"""


async def plays_in(browser: Browser, film: bytes, content_type: str) -> int:
    """Pictures shown in the first half second; an error when it does not play."""
    page = await browser.new_page()
    try:
        frames: int = await page.evaluate(_PLAY, [base64.b64encode(film).decode(), content_type, PLAYS_WITHIN_MS])
    finally:
        await page.close()
    return frames
