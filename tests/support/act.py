"""One session by pressing what people press: kiosk, notary, third person. Used by the journeys and by the faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.support.browser import Tab, open_tab
from tests.support.eventually import eventually

ROOM_WITHIN_S = 5.0
MARKED_CAMERA = Path(__file__).with_name("marked_camera.js")


@dataclass(slots=True)
class Act:
    """The tabs of one session, and its address."""

    kiosk: Tab
    notary: Tab
    third: Tab | None = None
    session: str = ""

    def tabs(self) -> dict[str, Tab]:
        """Everybody by name."""
        everybody = {"kiosk": self.kiosk, "notary": self.notary, "third": self.third}
        return {name: tab for name, tab in everybody.items() if tab is not None}


async def open_tabs(
    browser: Browser, demo: dict[str, Any], *, kiosk: int = 0, marked: bool = True, staff: Browser | None = None
) -> Act:
    """A kiosk at its first screen and a notary at the desk, in a browser of another make if `staff` says so."""
    act = Act(await open_tab(browser, 1080, 1920), await open_tab(staff or browser, 1366, 768))
    for tab in act.tabs().values():
        if marked:
            await tab.context.add_init_script(path=MARKED_CAMERA)
    notary = next(person for person in demo["people"] if person["role"] == "notary")
    await act.kiosk.page.goto(demo["kiosks"][kiosk]["url"])
    await act.notary.page.goto(notary["sign_in_url"])
    await act.kiosk.see("choose-notarization")
    await act.notary.see("call-next")
    return act


async def take_ticket(kiosk: Tab) -> str:
    """Two presses from the door to a number."""
    await kiosk.press("choose-notarization")
    await kiosk.press("take-ticket")
    number: str = (await (await kiosk.see("ticket-number")).inner_text()).strip()
    return number


async def call_next(act: Act) -> None:
    """The notary calls; both are in the room when both see the other."""
    await act.notary.press("call-next")
    await act.notary.page.wait_for_url("**/room/*")
    act.session = act.notary.page.url.rsplit("/", 1)[1].split("?")[0]
    await everybody_sees(act, others=1)


async def invite_third(
    act: Act, browser: Browser, name: str = "陈建国", *, marked: bool = True, tab: Tab | None = None
) -> Tab:
    """A third person opens a personal link, in a browser of his own if there is one, waits, and is admitted by the notary."""
    await act.notary.press("invite-person")
    await act.notary.page.get_by_test_id("invited-name").fill(name)
    await act.notary.press("make-invitation")
    link = await (await act.notary.see("invitation-link")).input_value()
    await act.notary.press("close-dialog")
    act.third = tab or await open_tab(browser, 390, 844)
    if marked:
        await act.third.context.add_init_script(path=MARKED_CAMERA)
    await act.third.page.goto(link)
    await act.third.press("join")
    await act.third.see("waiting-for-admission")
    assert await act.third.received() in (None, {}), "somebody who waits receives something"
    await act.notary.press("admit-person")
    await everybody_sees(act, others=2)
    return act.third


async def everybody_sees(act: Act, others: int, timeout_s: float = 60, *, frames: int = 5) -> None:
    """Wait until every page has decoded so many new pictures of `others` people."""
    for name, tab in act.tabs().items():
        since = await tab.received()

        async def why(name: str = name, tab: Tab = tab, since: Any = since) -> str | None:
            moving = await tab.videos_moving(since, frames)
            return None if moving >= others else f"{name} sees {moving} of {others} moving: {await tab.received()}"

        await eventually(why, timeout_s)


async def end_session(act: Act) -> None:
    """The notary ends; everybody is told."""
    await act.notary.press("end-session")
    await act.notary.press("confirm-end-session")
    await act.notary.see("room-closed")


async def films_ready(act: Act, url: str, timeout_s: float = 180) -> dict[str, Any]:
    """The session's facts once its films and its pack are there."""
    facts: dict[str, Any] = {}

    async def why() -> str | None:
        answer = await act.notary.context.request.get(f"{url}/api/sessions/{act.session}")
        facts.update(await answer.json())
        recording = facts["recording"]
        return (
            None
            if recording["state"] == "ready" and recording["pack"]["state"] == "ready"
            else f"the recording is {recording}"
        )

    await eventually(why, timeout_s)
    return facts


def recorded_s(facts: dict[str, Any]) -> float:
    """The length of the recording. It covers the session, but for the moments in which a busy machine opened and closed the room."""
    session, recording = facts["session"], facts["recording"]
    late_s = recording["started_at"] - session["opened_at"]
    early_s = session["ended_at"] - recording["started_at"] - recording["duration_s"]
    assert max(abs(late_s), abs(early_s)) <= ROOM_WITHIN_S, (late_s, early_s)
    return float(recording["duration_s"])


async def download(act: Act, url: str, target: Path) -> Path:
    """A film or a pack as the notary gets it."""
    answer = await act.notary.context.request.get(url)
    assert answer.status == 200, await answer.text()
    target.write_bytes(await answer.body())
    return target
