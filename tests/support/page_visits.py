"""Where pages are found that want an address of their own: made by pressing what makes them, in a running demo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from schedules.core.model import CHINA
from tests.support.looks import Looks, looked_at

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

ROLES = ["anyone", "notary", "coordinator", "administrator", "site_worker", "mediator", "lawyer"]
# Pages that a session, a kiosk or an arrival opens; test_axe.py goes there as people do.
ON_THE_WAY = {"/kiosk/{endpoint}", "/room/{session}", "/join/{token}", "/sessions/{session}"}
# They answer with another page, or with a file to keep.
WITHOUT_A_PAGE = {"/demo/as/{user}", "/demo/kiosk/{kiosk}"}
QUERIES = {
    "/roster/rotation": "?site=yunling",
    "/events-board": "?site=liuyin",
    "/events-board/edit": "?site=liuyin&kind=lecture",
}
LOADING = ["正在打开……", "Opening …"]
_SEND = """async ([method, path, body]) => {
  const csrf = document.querySelector("meta[name=csrf]").content;
  const answer = await fetch(path, {method, body: JSON.stringify(body), headers: {"Content-Type": "application/json", "X-CSRF-Token": csrf}});
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (answer.headers.get("Content-Type") ?? "").includes("json") ? answer.json() : null;
}"""


@dataclass(slots=True)
class Visitors:
    """One page for each role, signed in when first asked for."""

    browser: Browser
    url: str
    demo: dict[str, Any]
    language: str
    size: tuple[int, int]
    pages: dict[str, Page]

    async def of(self, role: str) -> Page:
        if role not in self.pages:
            self.pages[role] = await looked_at(self.browser, self.language, *self.size)
            await self.pages[role].goto(self.sign_in(role))
        return self.pages[role]

    def sign_in(self, role: str) -> str:
        if role == "anyone":
            return self.url + "/"
        url: str = next(person["sign_in_url"] for person in self.demo["people"] if person["role"] == role)
        return url

    async def send(self, role: str, method: str, path: str, body: object) -> Any:
        """A changing request as this role's page would send it."""
        return await send_as(await self.of(role), method, path, body)


async def send_as(page: Page, method: str, path: str, body: object) -> Any:
    """A changing request as the script of this page would send it."""
    return await page.evaluate(_SEND, [method, path, body])


async def visit_plain(visitors: Visitors, looks: Looks, path: str) -> None:
    """A page without anything to fill in: as the first role that may see it."""
    address = visitors.url + path + QUERIES.get(path, "")
    for role in ROLES:
        page = await visitors.of(role)
        if (await page.request.get(address, max_redirects=0)).status == 200:
            await open_and_check(looks, page, address, f"{path} as {role}")
            return
    looks.complaints[path] = ["no role of the demo may see it"]


async def open_and_check(looks: Looks, page: Page, address: str, what: str) -> None:
    """Open it, let its script draw, look."""
    await page.goto(address)
    await page.wait_for_function(f"() => !{LOADING}.some((word) => document.body.innerText.includes(word))")
    await looks.check(page, what)


async def visit_events(visitors: Visitors, looks: Looks) -> None:
    """A lecture with one person registered: its page, its list, that person's own page, the door; and a subscription with receipts."""
    day = (datetime.now(UTC).astimezone(CHINA) + timedelta(days=7)).date().isoformat()
    lecture = {"title": "公司合规第一课", "on": day, "starts": "10:00", "ends": "11:00", "capacity": 20}
    coordinator = await visitors.of("coordinator")
    made = await visitors.send("coordinator", "POST", "/api/sites/rongchuan-park/lectures", lecture)
    event = f"/events/{made['event']}"
    await visitors.send("coordinator", "POST", f"/api{event}/publish", {"revision": made["revision"]})
    wish = {"request_key": "0123456789abcdef", "name": "王先生"}
    place = await visitors.send("anyone", "POST", f"/api{event}/registrations", wish)
    citizen = await visitors.of("anyone")
    await open_and_check(looks, citizen, visitors.url + event, "an event")
    await open_and_check(looks, citizen, place["url"], "one's registration")
    await open_and_check(looks, coordinator, f"{visitors.url}{event}/people", "who comes")
    who = await coordinator.locator("[data-check-in]").first.get_attribute("data-check-in")
    await open_and_check(looks, coordinator, f"{visitors.url}/check-in/{who}", "at the door")
    feed = visitors.demo["feeds"][0]["name"]
    device = await visitors.send("anyone", "POST", f"/api/feeds/{feed}/devices", None)
    await open_and_check(looks, citizen, device["page"], "a subscription's receipt")


async def visit_places(visitors: Visitors, looks: Looks) -> None:
    """What is of one site: for the public, on a wall, inside another page; and the arrival of its staff at a kiosk."""
    citizen = await visitors.of("anyone")
    for path in ("/sites/rongchuan", "/screen/rongchuan", "/widget/rongchuan"):
        await open_and_check(looks, citizen, visitors.url + path, path)
    await citizen.goto(visitors.demo["kiosks"][1]["url"])
    kiosk = citizen.url
    await open_and_check(looks, citizen, f"{kiosk}/check-in", "staff check in at a kiosk")
    await open_and_check(looks, citizen, f"{kiosk}/lectures", "lectures for a village room")


async def visit_hall(visitors: Visitors, looks: Looks) -> None:
    """A village's hall from home: the way in, a number with its link, an appointment with its link, the opinion box."""
    citizen = await visitors.of("anyone")
    for path in ("/hall/liuyin", "/hall/liuyin/booking", "/hall/liuyin/opinions"):
        await open_and_check(looks, citizen, visitors.url + path, path)
    wish = {"service": "mediation", "request_key": "0123456789abcdef0123456789abcdef"}
    ticket = await visitors.send("anyone", "POST", "/api/hall/liuyin/tickets", wish)
    for page in ("ticket", "rating"):
        await open_and_check(looks, citizen, f"{visitors.url}/hall/{page}/{ticket['token']}", f"one's {page}")
    free = await (
        await citizen.request.get(f"{visitors.url}/api/hall/liuyin/slots?service=notarization&days=14")
    ).json()
    slot = [one for one in free["slots"] if not one["kept"]][-1]
    wish |= {"service": "notarization", "citizen_name": "王秀兰"}
    wish |= {"starts_at": slot["starts_at"], "professional": slot["professional"]}
    booked = await visitors.send("anyone", "POST", "/api/hall/liuyin/appointments", wish)
    await open_and_check(looks, citizen, f"{visitors.url}/hall/appointment/{booked['token']}", "one's appointment")


async def visit_administration(visitors: Visitors, looks: Looks) -> None:
    """The page of one place, as the tree of places leads to it; the wall of a hall, enrolled by its code."""
    administrator = await visitors.of("administrator")
    await administrator.goto(visitors.url + "/admin")
    await administrator.get_by_test_id("open-place").last.click()
    await administrator.get_by_test_id("save-hours").wait_for()
    await looks.check(administrator, "a place")
    site = administrator.url.rsplit("/", 1)[1]
    wall = {"site": site, "kind": "hall_screen", "name_zh": "大厅屏", "name_en": "Hall screen"}
    made = await visitors.send("administrator", "POST", "/api/admin/endpoints", wall)
    screen = await looked_at(visitors.browser, visitors.language, 1920, 1080)
    await screen.goto(f"{visitors.url}/kiosk/enrol?code={made['code']}")
    await open_and_check(looks, screen, f"{visitors.url}/screen/{made['endpoint']}", "the hall's screen")


# Pages with something to fill in, by what fills it in. A new one belongs here.
VISITS: list[Callable[[Visitors, Looks], Awaitable[None]]] = [
    visit_events,
    visit_places,
    visit_hall,
    visit_administration,
]
