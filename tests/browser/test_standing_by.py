"""A page that stands by has said its offer: called, it says no other; but where nobody heard it, it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.browser.test_protocol_client import WELCOME
from tests.support.eventually import eventually
from tests.support.script_page import script_page

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

# A room service that hears everything and speaks when the test says so.
_STAND_BY = """async () => {
  window.sockets_ = [];
  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 0;
    said = [];
    constructor() {
      super();
      window.sockets_.push(this);
      setTimeout(() => { this.readyState = 1; this.dispatchEvent(new Event("open")); });
    }
    send(text) { const { type, peer, sdp } = JSON.parse(text); this.said.push({ type, peer, sdp }); }
    tell(text) { this.dispatchEvent(new MessageEvent("message", { data: text })); }
    close() {}
  };
  const { keepSpare } = await import("/static/js/call/spare.js");
  keepSpare({ kiosk: "k", stream: null });
}"""
_CALL = """async () => {
  const { Call } = await import("/static/js/call/call.js");
  window.call_ = new Call({ token: "t", devices: null, onChange: () => {} });
}"""
_SAID = (
    "() => window.sockets_.map(({ said }) => said.map(({ type, peer }) => (type === 'offer' ? `offer ${peer}` : type)))"
)


async def has_said(page: Page, expected: list[list[str]]) -> None:
    async def otherwise() -> str | None:
        said: list[list[Any]] = await page.evaluate(_SAID)
        heard = [[word for word in words if word != "ping"] for words in said]
        return None if heard == expected else f"said: {heard}"

    await eventually(otherwise)


async def test_who_was_called_while_standing_by_says_no_other_offer(chromium: Browser) -> None:
    page = await script_page(chromium)
    await page.evaluate(_STAND_BY)
    await has_said(page, [["stand_by", "offer 1"]])
    offer = await page.evaluate("() => window.sockets_[0].said[1].sdp")
    assert "a=setup:passive" in offer
    assert "a=setup:actpass" not in offer

    await page.evaluate("(welcome) => window.sockets_[0].tell(welcome)", WELCOME)
    await page.evaluate(_CALL)

    await page.evaluate("() => new Promise((done) => setTimeout(done))")
    await has_said(page, [["stand_by", "offer 1", "join"]])
    assert await page.evaluate("() => window.call_.state.phase") == "seated"
    assert await page.evaluate("() => window.call_.peer.pc.signalingState") == "have-local-offer"


async def test_an_offer_that_nobody_heard_is_said_anew(chromium: Browser) -> None:
    page = await script_page(chromium)
    await page.evaluate(_STAND_BY)
    await has_said(page, [["stand_by", "offer 1"]])
    await page.evaluate(_CALL)

    # The socket was dead without knowing it: the page takes another, and is welcomed there.
    await has_said(page, [["stand_by", "offer 1", "join"], ["join"]])
    await page.evaluate("(welcome) => window.sockets_[1].tell(welcome)", WELCOME)

    await has_said(page, [["stand_by", "offer 1", "join"], ["join", "offer 2"]])
