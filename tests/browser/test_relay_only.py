"""A network that lets only the relay through: people talk by it, with the credential that the room gave them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser

from tests.support.act import call_next, end_session, everybody_sees, open_tabs, take_ticket
from tests.support.browser import running_chromium
from tests.support.product import ProductFactory
from tests.support.turn_server import SECRET, turn_server

# As if nothing but the relay could be reached: the browser may use no candidate of its own.
_RELAY_ONLY = """(() => {
  const only = (how) => ({ ...how, iceTransportPolicy: "relay" });
  const Plain = window.RTCPeerConnection, set = Plain.prototype.setConfiguration;
  Plain.prototype.setConfiguration = function (how) { return set.call(this, only(how)); };
  window.RTCPeerConnection = class extends Plain { constructor(how) { super(only(how)); } };
})();"""
_OURS = """async () => {
  const stats = await window.laizuo.room.pc.getStats();
  const transport = [...stats.values()].find((report) => report.type === "transport");
  const ours = stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId);
  return [ours.candidateType, ours.relayProtocol ?? null];
}"""


@pytest.fixture
async def careless() -> AsyncIterator[Browser]:
    """A Chromium that takes the relay's throw-away certificate."""
    async with running_chromium("--ignore-certificate-errors") as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["turn", "turns"])
async def test_who_reaches_only_the_relay_is_in_by_it(
    start_product: ProductFactory, careless: Browser, tmp_path: Path, scheme: str
) -> None:
    with turn_server(tmp_path, secure=scheme == "turns") as port:
        secret = tmp_path / "secret"
        secret.write_bytes(SECRET)
        urls = f"{scheme}:127.0.0.1:{port}?transport=tcp"
        environ = {"LAIZUO_TURN_URLS": urls, "LAIZUO_TURN_SECRET_FILE": str(secret)}
        product = start_product("--workers", "1", environ=environ).wait_ready()
        async with aiohttp.ClientSession() as session, session.get(f"{product.url}/demo.json") as answer:
            demo = await answer.json()
        act = await open_tabs(careless, demo)
        await act.kiosk.context.add_init_script(_RELAY_ONLY)
        await act.kiosk.page.reload()
        await act.kiosk.see("choose-notarization")
        await take_ticket(act.kiosk)
        await call_next(act)
        await everybody_sees(act, others=1)

        assert await act.kiosk.page.evaluate(_OURS) == ["relay", {"turn": "tcp", "turns": "tls"}[scheme]]
        assert (await act.notary.page.evaluate(_OURS))[0] != "relay"
        await end_session(act)
        assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}
