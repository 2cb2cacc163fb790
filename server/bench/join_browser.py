"""From the press on *call next* to the other person's first picture, with the running product and real Chromium.

A kiosk page takes a ticket, a notary's page calls it. Both pages carry a few lines of script of ours that note when `call-next` was
pressed and when the first frame of another person was shown (requestVideoFrameCallback); the clocks of two pages of one machine are
comparable, as both count from the wall clock. Cameras are Chromium's fake ones.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from server.bench import BenchError, NotInstalled, say
from server.bench.product import RunningProduct

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
BROWSER_INSTALL = "no Chromium found ($CHROMIUM, PATH, playwright's own); on Debian: apt install chromium"
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
WITHIN_MS = 30_000
POLL_MS = 100  # the instant is noted in the page; asking more often would only load the machine

# Runs in every page before its own scripts. `first` is asked for, and set back to null, between rounds.
WATCH = """
(() => {
  const wall = () => performance.timeOrigin + performance.now();
  const bench = window.laizuoBench = {first: null};
  const watched = new WeakSet();
  const watch = (video) => {
    watched.add(video);
    const shown = () => { bench.first ??= wall(); video.requestVideoFrameCallback(shown); };
    video.requestVideoFrameCallback(shown);
  };
  const look = () => {
    for (const video of document.querySelectorAll('video[data-testid="remote-video"]')) if (!watched.has(video)) watch(video);
  };
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true, attributeFilter: ['data-testid']});
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-testid="call-next"]')) sessionStorage.setItem('laizuo-bench-pressed', String(wall()));
  }, true);
})();
"""


@dataclass(frozen=True, slots=True)
class Join:
    """Milliseconds from the press to the first picture of the other, at either side."""

    staff_ms: float
    citizen_ms: float

    @property
    def both_ms(self) -> float:
        return max(self.staff_ms, self.citizen_ms)


def measure_joins(product: RunningProduct, rounds: int) -> tuple[str, list[Join]]:
    """Version of the browser, and each join. Raises NotInstalled, BenchError."""
    with sync_playwright() as playwright, _browser(playwright) as browser:
        desk, kiosks = _page(browser), [_page(browser) for _ in product.demo["kiosks"]]
        try:
            _open(product, desk, kiosks)
            return browser.version, [_one(kiosks[number % len(kiosks)], desk, number) for number in range(rounds)]
        except PlaywrightError as error:
            shown = "\n".join(_shown(page) for page in (desk, *kiosks))
            raise BenchError(f"{error}\n{shown}") from error


def _open(product: RunningProduct, desk: Page, kiosks: list[Page]) -> None:
    """All kiosks take turns, because the product lets one kiosk take a few tickets in a short time only."""
    notary = next(person for person in product.demo["people"] if person["role"] == "notary")
    desk.goto(notary["sign_in_url"])
    for page, kiosk in zip(kiosks, product.demo["kiosks"], strict=True):
        page.goto(kiosk["url"])


def _one(kiosk: Page, desk: Page, number: int) -> Join:
    """Take a ticket, call it, see each other, end."""
    _take_ticket(kiosk)
    for page in (kiosk, desk):
        page.evaluate("laizuoBench.first = null")
    desk.get_by_test_id("call-next").click()
    first = {page: _first_frame(page) for page in (kiosk, desk)}
    pressed = float(desk.evaluate("sessionStorage.getItem('laizuo-bench-pressed')"))
    join = Join(first[desk] - pressed, first[kiosk] - pressed)
    say(f"join {number + 1}: staff {join.staff_ms:.0f} ms, citizen {join.citizen_ms:.0f} ms")
    _end(kiosk, desk)
    return join


def _first_frame(page: Page) -> float:
    """Asked again and again from here: the product's content policy, rightly, lets no page compile a condition to wait for."""
    for _ in range(WITHIN_MS // POLL_MS):
        with contextlib.suppress(PlaywrightError):  # the page is on its way from the desk to the room
            first: float | None = page.evaluate("window.laizuoBench?.first ?? null")
            if first is not None:
                return first
        page.wait_for_timeout(POLL_MS)
    raise PlaywrightError(f"nobody was seen within {WITHIN_MS / 1000:g} s")


def _take_ticket(kiosk: Page) -> None:
    kiosk.get_by_test_id("choose-notarization").click()
    kiosk.get_by_test_id("take-ticket").click()
    kiosk.get_by_test_id("ticket-number").wait_for()


def _end(kiosk: Page, desk: Page) -> None:
    desk.get_by_test_id("end-session").click()
    desk.get_by_test_id("confirm-end-session").click()
    desk.get_by_test_id("to-desk").click()
    desk.wait_for_url("**/desk")
    kiosk.get_by_test_id("done").click()


def _shown(page: Page) -> str:
    """What a person saw when it went wrong."""
    return f"{page.url} {page.locator('body').inner_text()[:400]!r}"


def _page(browser: Browser) -> Page:
    context = browser.new_context(permissions=["camera", "microphone"], locale="en-GB")
    context.set_default_timeout(WITHIN_MS)
    context.add_init_script(WATCH)
    return context.new_page()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One Chromium with fake devices. Raises NotInstalled."""
    with sync_playwright() as playwright, _browser(playwright) as browser:
        yield browser


@contextmanager
def _browser(playwright: Playwright) -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
    except PlaywrightError as error:
        raise NotInstalled(BROWSER_INSTALL) from error
    try:
        yield browser
    finally:
        browser.close()
