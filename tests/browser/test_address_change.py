"""Somebody's address or whole network changes in the middle of a call: it goes on, on the same connection, and nobody has to do anything."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.support.act import Act, call_next, end_session, everybody_sees, open_tabs, take_ticket
from tests.support.browser import Tab
from tests.support.eventually import eventually
from tests.support.product import Product
from tests.support.slow_line import slow_line

_KEEP = "() => { window.before = window.laizuo.room.pc; }"
_SAME = "() => window.before === window.laizuo.room.pc && window.before.signalingState === 'stable'"
_ICE = "() => window.laizuo.room.pc.currentLocalDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]"


async def no_restart(tab: Tab, was: str) -> str | None:
    """For `eventually`: whether ICE began again, or why it has not yet."""
    state = await tab.page.evaluate("() => window.laizuo.room.pc.connectionState")
    return None if await tab.page.evaluate(_ICE) != was else f"no restart; the connection is {state}"


async def others(act: Act) -> str | None:
    """For `eventually`: whose connection is not that of before, with nothing being agreed on; a slow machine may be restarting ICE just now."""
    changed = [name for name, tab in act.tabs().items() if not await tab.page.evaluate(_SAME)]
    return f"another connection, or an offer without its answer, at {changed}" if changed else None


async def test_a_call_goes_on_from_another_address_and_from_another_network(
    product: Product, demo: dict[str, Any], chromium: Browser
) -> None:
    act = await open_tabs(chromium, demo)
    async with slow_line(act.kiosk.context) as line:
        await act.kiosk.page.reload()
        await take_ticket(act.kiosk)
        await call_next(act)
        for tab in act.tabs().values():
            await tab.page.evaluate(_KEEP)

        for _ in range(2):
            line.move()
            carried = line.carried
            await everybody_sees(act, others=1)
            assert line.carried > carried

        await eventually(lambda: others(act))
        was = await act.kiosk.page.evaluate(_ICE)

        line.cut()
        await eventually(lambda: no_restart(act.kiosk, was))
        await everybody_sees(act, others=1)

        await eventually(lambda: others(act))
        told = await (await act.notary.context.request.get(f"{product.url}/api/sessions/{act.session}")).json()
        assert "returned" not in [event["kind"] for event in told["events"]]
        await end_session(act)
    assert {name: tab.errors for name, tab in act.tabs().items()} == {"kiosk": [], "notary": []}
