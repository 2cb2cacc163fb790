"""A relay that does not answer, on a page that hears of it while it offers already: another connection is offered, and the first is waited for no more."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import Browser

from tests.browser.test_protocol_client import WELCOME
from tests.support.eventually import eventually
from tests.support.script_page import script_page

_RELAY = {"urls": "turn:127.0.0.1:9?transport=udp", "username": "u", "credential": "c"}
# A room's socket that opens once the first offer is ready to be sent, says `welcome` while it is being set, and keeps what the page says.
_CALL = """async (welcome) => {
  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 0;
    constructor() {
      super();
      setTimeout(() => { this.readyState = 1; this.dispatchEvent(new Event("open")); }, 300);
    }
    send(text) {
      const said = JSON.parse(text);
      if (said.type === "offer") window.offers_.push([said.peer, said.revision]);
      if (said.type === "join") setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data: welcome })));
    }
    close() {}
  };
  const { Call } = await import("/static/js/call/call.js");
  window.offers_ = [];
  window.call_ = new Call({ token: "t", devices: null, onChange: () => {} });
  window.first_ = window.call_.peer.pc;
}"""
_STANDS = """() => ({
  first: window.first_.signalingState,
  now: window.call_.peer.pc.signalingState,
  relays: window.call_.peer.pc.getConfiguration().iceServers.flatMap(({ urls }) => urls),
  offers: window.offers_,
})"""


async def test_a_first_connection_that_was_given_up_keeps_nobody_waiting(chromium: Browser) -> None:
    page = await script_page(chromium)
    await page.evaluate(_CALL, json.dumps(json.loads(WELCOME) | {"ice": [_RELAY]}))
    stands: dict[str, Any] = {}

    async def not_offered() -> str | None:
        stands.update(await page.evaluate(_STANDS))
        offered = stands["now"] == "have-local-offer" and stands["relays"] and stands["offers"]
        return None if offered else f"the page stands still: {stands}"

    await eventually(not_offered)
    assert stands["first"] == "closed"
    assert stands["relays"] == [_RELAY["urls"]]
    assert stands["offers"][-1][1] == 1, "an offer of another revision is one for the connection that is closed"
