"""From the press on *call next* to the other person's first picture, with the running product and real Chromium.

A kiosk page takes a ticket, a notary's page calls it. Both pages carry a few lines of script of ours that note when `call-next` was
pressed and when the first frame of another person was shown (requestVideoFrameCallback); the clocks of two pages of one machine are
comparable, as both count from the wall clock. Cameras are Chromium's fake ones. Who is behind a line opens another address and is told
another media port: those of the line's two ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from server.bench import BenchError, NotInstalled, say
from server.bench.netline.relay import Relay
from server.bench.netline.shape import Direction, Line
from server.bench.netline.wire import Wire
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
SETTLE_MS = 3000  # on a line: a desk that has stood open, and a citizen who has sat down; what is measured is the call, not the pages
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


# Also before the page's own scripts: the answer's candidates become the line's.
THROUGH = """
(() => {
  const take = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (said) {
    const sdp = said.sdp.replace(/(a=candidate:\\S+ 1 udp \\d+ \\S+) %d typ host/g, '$1 %d typ host');
    return take.call(this, {type: said.type, sdp});
  };
})();
"""
FAR = Line(Direction(loss=0.02, delay_s=0.1), Direction(loss=0.02, delay_s=0.1))


@dataclass(frozen=True, slots=True)
class Behind:
    """Who is behind the line (`staff`, `citizen`, None: nobody), where the worker's media is, and the seed of chance."""

    who: str | None
    media: tuple[str, int]
    seed: int


@dataclass(frozen=True, slots=True)
class _Way:
    """How a page reaches the product."""

    near: str
    url: str
    script: str | None = None

    def to(self, address: str) -> str:
        return address.replace(self.near, self.url, 1) if address.startswith(self.near) else self.url + address


@dataclass(frozen=True, slots=True)
class Join:
    """Milliseconds from the press to the first picture of the other, at either side."""

    staff_ms: float
    citizen_ms: float

    @property
    def both_ms(self) -> float:
        return max(self.staff_ms, self.citizen_ms)


def measure_joins(product: RunningProduct, rounds: int, behind: Behind) -> tuple[str, list[Join]]:
    """Version of the browser, and each join. Raises NotInstalled, BenchError."""
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = stack.enter_context(_browser(playwright))
        ways = _ways(product, behind, stack)
        # A page that has no turn is not opened: behind a line each takes its seconds.
        turns = product.demo["kiosks"][:rounds]
        desk, kiosks = _page(browser, ways["staff"]), [_page(browser, ways["citizen"]) for _ in turns]
        try:
            _open(product, desk, kiosks, ways)
            settle_ms = SETTLE_MS if behind.who else 0
            joins = [_one(kiosks[number % len(kiosks)], desk, number, settle_ms) for number in range(rounds)]
            return browser.version, joins
        except PlaywrightError as error:
            shown = "\n".join(_shown(page) for page in (desk, *kiosks))
            raise BenchError(f"{error}\n{shown}") from error


def _ways(product: RunningProduct, behind: Behind, stack: ExitStack) -> dict[str, _Way]:
    ways = dict.fromkeys(("staff", "citizen"), _Way(product.url, product.url))
    if behind.who is not None:
        near = urlsplit(product.url)
        assert near.hostname is not None
        assert near.port is not None
        relay = stack.enter_context(Relay(FAR, behind.media, behind.seed))
        wire = stack.enter_context(Wire(FAR, (near.hostname, near.port), behind.seed))
        url = f"http://{near.hostname}:{wire.address[1]}"
        ways[behind.who] = _Way(product.url, url, THROUGH % (behind.media[1], relay.address[1]))
    return ways


def _open(product: RunningProduct, desk: Page, kiosks: list[Page], ways: Mapping[str, _Way]) -> None:
    """All kiosks take turns, because the product lets one kiosk take a few tickets in a short time only."""
    notary = next(person for person in product.demo["people"] if person["role"] == "notary")
    desk.goto(ways["staff"].to(notary["sign_in_url"]))
    desk.goto(ways["staff"].to("/desk"))
    for page, kiosk in zip(kiosks, product.demo["kiosks"], strict=False):
        page.goto(ways["citizen"].to(kiosk["url"]))


def _one(kiosk: Page, desk: Page, number: int, settle_ms: float) -> Join:
    """Take a ticket, call it, see each other, end."""
    _take_ticket(kiosk)
    desk.wait_for_timeout(settle_ms)
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


def _page(browser: Browser, way: _Way) -> Page:
    context = browser.new_context(permissions=["camera", "microphone"], locale="en-GB")
    context.set_default_timeout(WITHIN_MS)
    context.add_init_script(WATCH)
    if way.script is not None:
        context.add_init_script(way.script)
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
